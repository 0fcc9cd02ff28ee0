"""POST /v1/auth/invitations/accept"""

from parley.identity.members import invitation_acceptance
from parley.identity.members.schemas import InvitationToken, JoinedRead
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import joining

app = api(needs=Access.PERSON)


@app.post("/v1/auth/invitations/accept")
def accept_invitation(wanted: InvitationToken, caller: AuthenticatedCaller) -> JoinedRead:
    token = wanted.token.get_secret_value()
    with joining(caller, invitation_acceptance.organization_of(token)) as session:
        return invitation_acceptance.accept(session, caller, token)


lambda_handler = entrypoint(app)
