"""POST /v1/scheduling/managed-bookings/{token}/reschedule"""

from parley.kernel.db import transaction
from parley.kernel.http import Access, RequestOnce, Visitor, api, entrypoint
from parley.scheduling import managed
from parley.scheduling.calendars.fresh import with_calendars
from parley.scheduling.calendars.known import Fresh
from parley.scheduling.schemas import BookingMove, ManagedBookingRead

app = api(needs=Access.ANYBODY)


@app.post("/v1/scheduling/managed-bookings/<token>/reschedule", status_code=201)
def reschedule_managed_booking(token: str, wanted: BookingMove, visitor: Visitor, once: RequestOnce) -> ManagedBookingRead:
    key = managed.key_of(token)
    caller = visitor.acting_for(key.organization_id)

    def move(fresh: Fresh) -> ManagedBookingRead:
        with transaction(caller, once) as session:
            return once.answer(session, managed.reschedule(session, caller, key, wanted, fresh)[0])

    return with_calendars(caller, move)


lambda_handler = entrypoint(app)
