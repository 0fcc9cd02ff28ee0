"""POST /v1/scheduling/managed-bookings/{token}/cancel"""

from parley.kernel.db import transaction
from parley.kernel.http import Access, RequestOnce, Visitor, api, entrypoint
from parley.scheduling import managed
from parley.scheduling.schemas import BookingCancel, ManagedBookingRead

app = api(needs=Access.ANYBODY)


@app.post("/v1/scheduling/managed-bookings/<token>/cancel")
def cancel_managed_booking(token: str, visitor: Visitor, once: RequestOnce, wanted: BookingCancel | None = None) -> ManagedBookingRead:
    reason = wanted.reason if wanted else None
    key = managed.key_of(token)
    caller = visitor.acting_for(key.organization_id)
    with transaction(caller, once) as session:
        return once.answer(session, managed.cancel(session, caller, key, reason), 200)


lambda_handler = entrypoint(app)
