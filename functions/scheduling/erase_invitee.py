"""DELETE /v1/scheduling/invitees/{invitee_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.privacy import invitee_erasure
from parley.scheduling.privacy.schemas import InviteeErasedRead

app = api(needs="invitees:erase")


@app.delete("/v1/scheduling/invitees/<invitee_id>")
def erase_invitee(invitee_id: UUID, caller: AuthenticatedCaller) -> InviteeErasedRead:
    with transaction(caller) as session:
        return invitee_erasure.erase(session, caller, invitee_id)


lambda_handler = entrypoint(app)
