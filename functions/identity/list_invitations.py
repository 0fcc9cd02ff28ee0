"""GET /v1/identity/invitations"""

from parley.identity import invitations
from parley.identity.invitation_schemas import InvitationRead
from parley.identity.models import InvitationStatus
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page

app = api(needs="invitations:read")


@app.get("/v1/identity/invitations")
def list_invitations(
    caller: AuthenticatedCaller, status: InvitationStatus | None = None, limit: Limit = 50, cursor: Cursor | None = None
) -> Page[InvitationRead]:
    with transaction(caller) as session:
        return invitations.invitations(session, caller, status=status, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
