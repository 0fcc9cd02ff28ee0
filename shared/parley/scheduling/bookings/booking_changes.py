"""What can become of a booking: what the trail says, and what is announced, of each."""

from enum import Enum

from parley.kernel.values.declarations import AuditAction, EventName
from parley.scheduling.declared import SchedulingAction, SchedulingEvent


class BookingChange(Enum):
    CREATED = SchedulingAction.BOOKING_CREATED, SchedulingEvent.BOOKING_CREATED
    CONFIRMED = SchedulingAction.BOOKING_CONFIRMED, SchedulingEvent.BOOKING_CONFIRMED
    RESCHEDULED = SchedulingAction.BOOKING_RESCHEDULED, SchedulingEvent.BOOKING_RESCHEDULED
    REASSIGNED = SchedulingAction.BOOKING_REASSIGNED, SchedulingEvent.BOOKING_REASSIGNED
    CANCELED = SchedulingAction.BOOKING_CANCELED, SchedulingEvent.BOOKING_CANCELED
    COMPLETED = SchedulingAction.BOOKING_COMPLETED, SchedulingEvent.BOOKING_COMPLETED
    NO_SHOW = SchedulingAction.BOOKING_NO_SHOW, SchedulingEvent.BOOKING_NO_SHOW

    def __init__(self, action: AuditAction, event: EventName) -> None:
        self.action, self.event = action, event
