"""POST /v1/scim/tokens/{token_id}/approve: the owner agrees to a token that an administrator has made."""

from uuid import UUID

from parley.identity import single_sign_on
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scim import setup
from parley.scim.setup import ScimTokenRead

app = api(needs=single_sign_on.APPROVE)


@app.post("/v1/scim/tokens/<token_id>/approve")
def approve_token(token_id: UUID, caller: AuthenticatedCaller) -> ScimTokenRead:
    with transaction(caller) as session:
        return setup.approve(session, caller, token_id)


lambda_handler = entrypoint(app)
