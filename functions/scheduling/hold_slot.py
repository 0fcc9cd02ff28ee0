"""POST /v1/scheduling/event-types/{event_type_id}/holds"""

from uuid import UUID

from parley.kernel.edge.http import Access, SealedIdempotencyKey, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.bookings import booking_limits, holds
from parley.scheduling.bookings.schemas import HoldCreate, HoldRead
from parley.scheduling.event_types import event_type_service

app = api(needs=Access.ANYBODY, limit=booking_limits.HOLDS_FROM_NETWORK)


@app.post("/v1/scheduling/event-types/<event_type_id>/holds", status_code=201)
def hold_slot(event_type_id: UUID, wanted: HoldCreate, visitor: Visitor, once: SealedIdempotencyKey) -> HoldRead:
    caller = visitor.acting_for(event_type_service.organization_of(event_type_id))
    booking_limits.hold(caller, event_type_id)
    briefly = once.within(holds.KEPT)
    with transaction(caller, briefly) as session:
        return briefly.answer(session, holds.hold_slot(session, event_type_id, wanted))


lambda_handler = entrypoint(app)
