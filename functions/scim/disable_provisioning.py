"""DELETE /v1/scim"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scim import setup

app = api(needs="scim:manage")


@app.delete("/v1/scim", operation_id="turn_off", status_code=204)
def disable_provisioning(caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        setup.turn_off(session, caller)


lambda_handler = entrypoint(app)
