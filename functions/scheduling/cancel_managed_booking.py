"""POST /v1/scheduling/managed-bookings/{token}/cancel"""

from parley.kernel.access.visitor_limits import WRITES_PER_NETWORK
from parley.kernel.edge.http import Access, IdempotencyKey, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.bookings import invitee_access
from parley.scheduling.bookings.schemas import BookingCancel, ManagedBookingRead

app = api(needs=Access.ANYBODY, limit=WRITES_PER_NETWORK)


@app.post("/v1/scheduling/managed-bookings/<token>/cancel")
def cancel_managed_booking(token: str, visitor: Visitor, once: IdempotencyKey, wanted: BookingCancel | None = None) -> ManagedBookingRead:
    reason = wanted.reason if wanted else None
    key = invitee_access.key_of(token)
    caller = visitor.acting_for(key.organization_id)
    with transaction(caller, once) as session:
        return once.answer(session, invitee_access.cancel(session, caller, key, reason), 200)


lambda_handler = entrypoint(app)
