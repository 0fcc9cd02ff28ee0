"""GET /v1/identity/members"""

from parley.identity import members
from parley.identity.member_schemas import MemberRead
from parley.identity.models import MemberRole
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page

app = api(needs="members:read")


@app.get("/v1/identity/members")
def list_members(
    caller: AuthenticatedCaller, role: MemberRole | None = None, limit: Limit = 50, cursor: Cursor | None = None
) -> Page[MemberRead]:
    with transaction(caller) as session:
        return members.members(session, caller, role=role, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
