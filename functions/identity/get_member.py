"""GET /v1/identity/members/{user_id}"""

from uuid import UUID

from parley.identity import members
from parley.identity.member_schemas import MemberRead
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint

app = api(needs="members:read")


@app.get("/v1/identity/members/<user_id>")
def get_member(user_id: UUID, caller: AuthenticatedCaller) -> MemberRead:
    with transaction(caller) as session:
        return members.member(session, caller, user_id)


lambda_handler = entrypoint(app)
