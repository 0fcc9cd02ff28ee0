"""GET /v1/identity/invitations"""

from parley.identity.members import invitations
from parley.identity.members.schemas import InvitationRead
from parley.identity.models import InvitationStatus
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction

app = api(needs="invitations:read")


@app.get("/v1/identity/invitations")
def list_invitations(
    caller: AuthenticatedCaller, status: InvitationStatus | None = None, limit: Limit = 50, cursor: Cursor | None = None
) -> Page[InvitationRead]:
    with transaction(caller) as session:
        return invitations.invitations(session, status=status, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
