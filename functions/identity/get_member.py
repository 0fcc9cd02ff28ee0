"""GET /v1/identity/members/{user_id}"""

from uuid import UUID

from parley.identity.members import membership
from parley.identity.members.schemas import MemberRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="members:read")


@app.get("/v1/identity/members/<user_id>")
def get_member(user_id: UUID, caller: AuthenticatedCaller) -> MemberRead:
    with transaction(caller) as session:
        return membership.member(session, user_id)


lambda_handler = entrypoint(app)
