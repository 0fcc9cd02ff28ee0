"""POST /v1/auth/invitations/accept"""

from parley.identity import invited
from parley.identity.invitation_schemas import InvitationToken, JoinedRead
from parley.kernel.db import joining
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/auth/invitations/accept")
def accept_invitation(wanted: InvitationToken, caller: AuthenticatedCaller) -> JoinedRead:
    token = wanted.token.get_secret_value()
    with joining(caller, invited.organization_of(token)) as session:
        return invited.accept(session, caller, token)


lambda_handler = entrypoint(app)
