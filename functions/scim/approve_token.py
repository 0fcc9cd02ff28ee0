"""POST /v1/scim/tokens/{token_id}/approve: the owner agrees to a token that an administrator has made."""

from uuid import UUID

from parley.identity.sessions import single_sign_on
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scim import scim_settings
from parley.scim.scim_settings import ScimTokenRead

app = api(needs=single_sign_on.APPROVE)


@app.post("/v1/scim/tokens/<token_id>/approve")
def approve_token(token_id: UUID, caller: AuthenticatedCaller) -> ScimTokenRead:
    with transaction(caller) as session:
        return scim_settings.approve(session, caller, token_id)


lambda_handler = entrypoint(app)
