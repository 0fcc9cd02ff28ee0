"""DELETE /v1/identity/members/{user_id}"""

from uuid import UUID

from parley.identity import members
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint

app = api(needs="members:write")


@app.delete("/v1/identity/members/<user_id>", status_code=204)
def remove_member(user_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        members.remove(session, caller, user_id)


lambda_handler = entrypoint(app)
