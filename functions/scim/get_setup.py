"""GET /v1/scim"""

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scim import scim_settings
from parley.scim.scim_settings import ScimRead

app = api(needs="scim:manage")


@app.get("/v1/scim")
def get_setup(caller: AuthenticatedCaller) -> ScimRead:
    with transaction(caller) as session:
        return scim_settings.shown(session, caller)


lambda_handler = entrypoint(app)
