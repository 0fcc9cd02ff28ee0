"""POST /v1/auth/invitations/show"""

from parley.identity import invited
from parley.identity.invitation_schemas import InvitationToken, OpenInvitationRead
from parley.kernel.db import transaction
from parley.kernel.http import Access, Visitor, api, entrypoint

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/invitations/show")
def show_invitation(wanted: InvitationToken, visitor: Visitor) -> OpenInvitationRead:
    token = wanted.token.get_secret_value()
    with transaction(visitor.acting_for(invited.organization_of(token))) as session:
        return invited.show(session, token)


lambda_handler = entrypoint(app)
