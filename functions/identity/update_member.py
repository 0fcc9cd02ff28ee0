"""PATCH /v1/identity/members/{user_id}"""

from uuid import UUID

from parley.identity.members import membership
from parley.identity.members.schemas import MemberRead, RoleUpdate
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="members:write")


@app.patch("/v1/identity/members/<user_id>")
def update_member(user_id: UUID, wanted: RoleUpdate, caller: AuthenticatedCaller) -> MemberRead:
    with transaction(caller) as session:
        return membership.change_role(session, caller, user_id, wanted.role)


lambda_handler = entrypoint(app)
