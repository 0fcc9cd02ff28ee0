"""POST /v1/auth/invitations/decline"""

from parley.identity import invited
from parley.identity.invitation_schemas import InvitationToken
from parley.kernel.db import transaction
from parley.kernel.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/invitations/decline", status_code=204)
def decline_invitation(wanted: InvitationToken, visitor: Visitor) -> None:
    token = wanted.token.get_secret_value()
    caller = visitor.acting_for(invited.organization_of(token))
    with transaction(caller) as session:
        invited.decline(session, caller, token)


lambda_handler = entrypoint(app)
