"""POST /v1/identity/invitations/{invitation_id}/resend"""

from uuid import UUID

from parley.identity import invitations
from parley.identity.invitation_schemas import InvitationRead
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint

app = api(needs="invitations:write")


@app.post("/v1/identity/invitations/<invitation_id>/resend")
def resend_invitation(invitation_id: UUID, caller: AuthenticatedCaller) -> InvitationRead:
    with transaction(caller) as session:
        return invitations.read(invitations.resend(session, caller, invitation_id))


lambda_handler = entrypoint(app)
