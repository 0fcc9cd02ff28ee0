"""POST /v1/identity/invitations"""

from parley.identity import invitations
from parley.identity.invitation_schemas import InvitationCreate, InvitationRead
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint

app = api(needs="invitations:write")


@app.post("/v1/identity/invitations", status_code=201)
def create_invitation(wanted: InvitationCreate, caller: AuthenticatedCaller, once: RequestOnce) -> InvitationRead:
    with transaction(caller, once) as session:
        return once.answer(session, invitations.read(invitations.invite(session, caller, wanted)))


lambda_handler = entrypoint(app)
