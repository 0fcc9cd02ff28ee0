"""POST /v1/scim/token"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, SecretOnce, api, entrypoint
from parley.scim import setup
from parley.scim.setup import ScimTokenCreate, ScimTokenMade

app = api(needs="scim:manage")


@app.post("/v1/scim/token", status_code=201)
def create_token(caller: AuthenticatedCaller, once: SecretOnce, wanted: ScimTokenCreate | None = None) -> ScimTokenMade:
    with transaction(caller, once) as session:
        return once.answer(session, setup.issue_token(session, caller, wanted or ScimTokenCreate()))


lambda_handler = entrypoint(app)
