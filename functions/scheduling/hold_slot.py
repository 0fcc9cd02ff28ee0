"""POST /v1/scheduling/event-types/{event_type_id}/holds"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import Access, SecretOnce, Visitor, api, entrypoint
from parley.scheduling import event_types, holds, limits
from parley.scheduling.schemas import HoldCreate, HoldRead

app = api(needs=Access.ANYBODY)


@app.post("/v1/scheduling/event-types/<event_type_id>/holds", status_code=201)
def hold_slot(event_type_id: UUID, wanted: HoldCreate, visitor: Visitor, once: SecretOnce) -> HoldRead:
    caller = visitor.acting_for(event_types.organization_of(event_type_id))
    limits.hold(caller, event_type_id)
    briefly = once.within(holds.KEPT)
    with transaction(caller, briefly) as session:
        return briefly.answer(session, holds.hold_slot(session, caller, event_type_id, wanted))


lambda_handler = entrypoint(app)
