"""DELETE /v1/identity/members/{user_id}/sessions"""

from uuid import UUID

from parley.identity.members import membership
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="members:write")


@app.delete("/v1/identity/members/<user_id>/sessions", operation_id="end_member_sessions", status_code=204)
def revoke_member_sessions(user_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        membership.end_sessions(session, caller, user_id)


lambda_handler = entrypoint(app)
