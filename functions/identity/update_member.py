"""PATCH /v1/identity/members/{user_id}"""

from uuid import UUID

from parley.identity import members
from parley.identity.member_schemas import MemberRead, RoleUpdate
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint

app = api(needs="members:write")


@app.patch("/v1/identity/members/<user_id>")
def update_member(user_id: UUID, wanted: RoleUpdate, caller: AuthenticatedCaller) -> MemberRead:
    with transaction(caller) as session:
        return members.change_role(session, caller, user_id, wanted.role)


lambda_handler = entrypoint(app)
