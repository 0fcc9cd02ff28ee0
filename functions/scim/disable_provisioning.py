"""DELETE /v1/scim"""

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scim import scim_settings

app = api(needs="scim:manage")


@app.delete("/v1/scim", operation_id="turn_off", status_code=204)
def disable_provisioning(caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        scim_settings.turn_off(session, caller)


lambda_handler = entrypoint(app)
