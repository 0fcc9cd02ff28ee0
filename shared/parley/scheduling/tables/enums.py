"""The words of scheduling: kinds, statuses, and which status may follow which."""

from enum import StrEnum


class DayOfWeek(StrEnum):
    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


class OverrideType(StrEnum):
    AVAILABLE = "AVAILABLE"
    UNAVAILABLE = "UNAVAILABLE"


class EventTypeKind(StrEnum):
    ONE_ON_ONE = "ONE_ON_ONE"
    GROUP = "GROUP"
    COLLECTIVE = "COLLECTIVE"
    ROUND_ROBIN = "ROUND_ROBIN"


class LocationType(StrEnum):
    PHONE = "PHONE"
    IN_PERSON = "IN_PERSON"
    ZOOM = "ZOOM"
    GOOGLE_MEET = "GOOGLE_MEET"
    MICROSOFT_TEAMS = "MICROSOFT_TEAMS"
    CUSTOM = "CUSTOM"
    ROOM = "ROOM"


class HorizonKind(StrEnum):
    """How far ahead an event type is offered: so many days, so many days from Monday to Friday, or up to a date."""

    ROLLING_DAYS = "ROLLING_DAYS"
    BUSINESS_DAYS = "BUSINESS_DAYS"
    DATE = "DATE"


class QuestionType(StrEnum):
    SHORT_TEXT = "SHORT_TEXT"
    LONG_TEXT = "LONG_TEXT"
    SINGLE_SELECT = "SINGLE_SELECT"
    MULTI_SELECT = "MULTI_SELECT"
    PHONE = "PHONE"
    EMAIL = "EMAIL"
    NUMBER = "NUMBER"


class BookingStatus(StrEnum):
    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    RESCHEDULED = "RESCHEDULED"
    CANCELED = "CANCELED"
    NO_SHOW = "NO_SHOW"
    COMPLETED = "COMPLETED"


HOLDING_STATUSES = (BookingStatus.PENDING, BookingStatus.CONFIRMED, BookingStatus.NO_SHOW, BookingStatus.COMPLETED)
"""These keep their time and count towards limits."""

STANDING_STATUSES = (BookingStatus.PENDING, BookingStatus.CONFIRMED)
"""These are still to take place."""

TRANSITIONS: dict[BookingStatus, frozenset[BookingStatus]] = {
    BookingStatus.PENDING: frozenset({BookingStatus.CONFIRMED, BookingStatus.RESCHEDULED, BookingStatus.CANCELED}),
    BookingStatus.CONFIRMED: frozenset({BookingStatus.RESCHEDULED, BookingStatus.CANCELED, BookingStatus.NO_SHOW, BookingStatus.COMPLETED}),
    BookingStatus.RESCHEDULED: frozenset(),
    BookingStatus.CANCELED: frozenset(),
    BookingStatus.NO_SHOW: frozenset({BookingStatus.COMPLETED}),
    BookingStatus.COMPLETED: frozenset({BookingStatus.NO_SHOW}),
}
"""What may follow what. A status that is not named here is not reached."""


def statuses_before(status: BookingStatus) -> list[BookingStatus]:
    """The statuses that `status` may follow: the condition of the update that brings it about."""
    return [earlier for earlier, later in TRANSITIONS.items() if status in later]


class Change(StrEnum):
    """What a host's side does to a booking, as the path says it."""

    CONFIRM = "confirm"
    DECLINE = "decline"
    CANCEL = "cancel"
    NO_SHOW = "no-show"
    COMPLETE = "complete"


class CanceledBy(StrEnum):
    HOST = "HOST"
    INVITEE = "INVITEE"


class AssignmentStrategy(StrEnum):
    ROTATE = "ROTATE"
    WEIGHTED = "WEIGHTED"
    LEAST_RECENT = "LEAST_RECENT"
    PRIORITY = "PRIORITY"


class AgreementStatus(StrEnum):
    """Whether an address that a workflow names has agreed. PENDING: it was asked."""

    PENDING = "PENDING"
    AGREED = "AGREED"
    STOPPED = "STOPPED"


class RoutingOperator(StrEnum):
    EQUALS = "EQUALS"
    NOT_EQUALS = "NOT_EQUALS"
    CONTAINS = "CONTAINS"
    GREATER_THAN = "GREATER_THAN"
    LESS_THAN = "LESS_THAN"
    IN = "IN"


class RoutingOutcome(StrEnum):
    """What a submission was answered with: something to book, an address to go to, a message to read, or that nothing fits."""

    EVENT_TYPE = "EVENT_TYPE"
    URL = "URL"
    MESSAGE = "MESSAGE"
    NONE = "NONE"


class RoutingTrouble(StrEnum):
    """Why an event type that a form points to is passed over."""

    EVENT_TYPE_DELETED = "EVENT_TYPE_DELETED"
    EVENT_TYPE_INACTIVE = "EVENT_TYPE_INACTIVE"


class WorkflowTrigger(StrEnum):
    BOOKING_CREATED = "BOOKING_CREATED"
    BOOKING_RESCHEDULED = "BOOKING_RESCHEDULED"
    BOOKING_CANCELED = "BOOKING_CANCELED"
    BEFORE_MEETING = "BEFORE_MEETING"
    AFTER_MEETING = "AFTER_MEETING"


TIMED_TRIGGERS = (WorkflowTrigger.BEFORE_MEETING, WorkflowTrigger.AFTER_MEETING)
"""These are due at a time; the others at once."""
