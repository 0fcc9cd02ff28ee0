"""DELETE /v1/identity/invitations/{invitation_id}"""

from uuid import UUID

from parley.identity.members import invitations
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="invitations:write")


@app.delete("/v1/identity/invitations/<invitation_id>", status_code=204)
def revoke_invitation(invitation_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        invitations.revoke(session, caller, invitation_id)


lambda_handler = entrypoint(app)
