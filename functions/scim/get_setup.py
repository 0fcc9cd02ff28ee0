"""GET /v1/scim"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scim import setup
from parley.scim.setup import ScimRead

app = api(needs="scim:manage")


@app.get("/v1/scim")
def get_setup(caller: AuthenticatedCaller) -> ScimRead:
    with transaction(caller) as session:
        return setup.shown(session, caller)


lambda_handler = entrypoint(app)
