"""GET /v1/identity/invitations/{invitation_id}"""

from uuid import UUID

from parley.identity.members import invitations
from parley.identity.members.schemas import InvitationRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="invitations:read")


@app.get("/v1/identity/invitations/<invitation_id>")
def get_invitation(invitation_id: UUID, caller: AuthenticatedCaller) -> InvitationRead:
    with transaction(caller) as session:
        return invitations.read(invitations.invitation(session, invitation_id))


lambda_handler = entrypoint(app)
