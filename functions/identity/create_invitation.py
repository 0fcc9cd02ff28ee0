"""POST /v1/identity/invitations"""

from parley.identity.members import invitations
from parley.identity.members.schemas import InvitationCreate, InvitationRead
from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="invitations:write", location="/v1/identity/invitations/{id}")


@app.post("/v1/identity/invitations", status_code=201)
def create_invitation(wanted: InvitationCreate, caller: AuthenticatedCaller, once: IdempotencyKey) -> InvitationRead:
    with transaction(caller, once) as session:
        return once.answer(session, invitations.read(invitations.invite(session, caller, wanted)))


lambda_handler = entrypoint(app)
