"""POST /v1/auth/invitations/decline"""

from parley.identity.members import invitation_acceptance
from parley.identity.members.schemas import InvitationToken
from parley.kernel.access.visitor_limits import WRITES_PER_NETWORK
from parley.kernel.edge.http import Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs=Access.ANYBODY, limit=WRITES_PER_NETWORK)


@app.post("/v1/auth/invitations/decline", status_code=204)
def decline_invitation(wanted: InvitationToken, visitor: Visitor) -> None:
    token = wanted.token.get_secret_value()
    caller = visitor.acting_for(invitation_acceptance.organization_of(token))
    with transaction(caller) as session:
        invitation_acceptance.decline(session, caller, token)


lambda_handler = entrypoint(app)
