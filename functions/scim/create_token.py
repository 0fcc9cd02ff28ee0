"""POST /v1/scim/token"""

from parley.kernel.edge.http import AuthenticatedCaller, SealedIdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scim import scim_settings
from parley.scim.scim_settings import ScimTokenCreate, ScimTokenMade

app = api(needs="scim:manage")


@app.post("/v1/scim/token", status_code=201)
def create_token(caller: AuthenticatedCaller, once: SealedIdempotencyKey, wanted: ScimTokenCreate | None = None) -> ScimTokenMade:
    with transaction(caller, once) as session:
        return once.answer(session, scim_settings.issue_token(session, caller, wanted or ScimTokenCreate()))


lambda_handler = entrypoint(app)
