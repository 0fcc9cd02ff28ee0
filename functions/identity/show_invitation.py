"""POST /v1/auth/invitations/show"""

from parley.identity.members import invitation_acceptance
from parley.identity.members.schemas import InvitationToken, OpenInvitationRead
from parley.kernel.edge.http import Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs=Access.ANYBODY)


@app.post("/v1/auth/invitations/show")
def show_invitation(wanted: InvitationToken, visitor: Visitor) -> OpenInvitationRead:
    token = wanted.token.get_secret_value()
    with transaction(visitor.acting_for(invitation_acceptance.organization_of(token))) as session:
        return invitation_acceptance.show(session, token)


lambda_handler = entrypoint(app)
