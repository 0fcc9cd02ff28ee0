"""POST /v1/scheduling/managed-bookings/{token}/reschedule"""

from parley.kernel.access.visitor_limits import WRITES_PER_NETWORK
from parley.kernel.edge.http import Access, IdempotencyKey, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.availability.live_busy_times import LiveBusyTimes
from parley.scheduling.bookings import invitee_access
from parley.scheduling.bookings.schemas import BookingMove, ManagedBookingRead
from parley.scheduling.calendars.live_check import with_calendars

app = api(needs=Access.ANYBODY, limit=WRITES_PER_NETWORK)


@app.post("/v1/scheduling/managed-bookings/<token>/reschedule", status_code=201)
def reschedule_managed_booking(token: str, wanted: BookingMove, visitor: Visitor, once: IdempotencyKey) -> ManagedBookingRead:
    key = invitee_access.key_of(token)
    caller = visitor.acting_for(key.organization_id)

    def move(fresh: LiveBusyTimes) -> ManagedBookingRead:
        with transaction(caller, once) as session:
            return once.answer(session, invitee_access.reschedule(session, caller, key, wanted, fresh)[0])

    return with_calendars(caller, move)


lambda_handler = entrypoint(app)
