"""DELETE /v1/identity/members/{user_id}"""

from uuid import UUID

from parley.identity.members import membership
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="members:write")


@app.delete("/v1/identity/members/<user_id>", status_code=204)
def remove_member(user_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        membership.remove(session, caller, user_id)


lambda_handler = entrypoint(app)
