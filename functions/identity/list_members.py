"""GET /v1/identity/members"""

from parley.identity.members import membership
from parley.identity.members.schemas import MemberRead
from parley.identity.models import MemberRole
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction

app = api(needs="members:read")


@app.get("/v1/identity/members")
def list_members(
    caller: AuthenticatedCaller, role: MemberRole | None = None, limit: Limit = 50, cursor: Cursor | None = None
) -> Page[MemberRead]:
    with transaction(caller) as session:
        return membership.members(session, role=role, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
