"""DELETE /v1/scheduling/invitees/{invitee_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling import erasure
from parley.scheduling.erasure_schemas import InviteeErasedRead

app = api(needs="invitees:erase")


@app.delete("/v1/scheduling/invitees/<invitee_id>")
def erase_invitee(invitee_id: UUID, caller: AuthenticatedCaller) -> InviteeErasedRead:
    with transaction(caller) as session:
        return erasure.erase(session, caller, invitee_id)


lambda_handler = entrypoint(app)
