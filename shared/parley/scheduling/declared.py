"""What others read of scheduling: see `parley.kernel.values.declarations`."""

from parley.kernel.values.declarations import AuditAction, DirectoryKind, EventName, PublicEvent, Scope


class SchedulingAction:
    SCHEDULE_CREATED = AuditAction("schedule.created")
    SCHEDULE_UPDATED = AuditAction("schedule.updated")
    SCHEDULE_DELETED = AuditAction("schedule.deleted")
    EVENT_TYPE_CREATED = AuditAction("event_type.created")
    EVENT_TYPE_UPDATED = AuditAction("event_type.updated")
    EVENT_TYPE_DELETED = AuditAction("event_type.deleted")
    POOL_CREATED = AuditAction("pool.created")
    POOL_UPDATED = AuditAction("pool.updated")
    POOL_DELETED = AuditAction("pool.deleted")
    BOOKING_CREATED = AuditAction("booking.created")
    BOOKING_CONFIRMED = AuditAction("booking.confirmed")
    BOOKING_RESCHEDULED = AuditAction("booking.rescheduled")
    BOOKING_REASSIGNED = AuditAction("booking.reassigned")
    BOOKING_CANCELED = AuditAction("booking.canceled")
    BOOKING_COMPLETED = AuditAction("booking.completed")
    BOOKING_NO_SHOW = AuditAction("booking.no_show")
    BOOKING_EXPORTED = AuditAction("booking.exported")
    INVITEE_ERASED = AuditAction("invitee.erased")
    ROUTING_FORM_CREATED = AuditAction("routing_form.created")
    ROUTING_FORM_UPDATED = AuditAction("routing_form.updated")
    ROUTING_FORM_DELETED = AuditAction("routing_form.deleted")
    ROUTING_SUBMISSION_CREATED = AuditAction("routing_submission.created")
    ROUTING_SUBMISSION_EXPORTED = AuditAction("routing_submission.exported")
    CALENDAR_CONNECTION_CREATED = AuditAction("calendar_connection.created")
    CALENDAR_CONNECTION_UPDATED = AuditAction("calendar_connection.updated")
    CALENDAR_CONNECTION_DELETED = AuditAction("calendar_connection.deleted")
    CALENDAR_CONNECTION_EXPIRED = AuditAction("calendar_connection.expired")
    WORKFLOW_CREATED = AuditAction("workflow.created")
    WORKFLOW_UPDATED = AuditAction("workflow.updated")
    WORKFLOW_DELETED = AuditAction("workflow.deleted")
    WORKFLOW_TESTED = AuditAction("workflow.tested")
    NOTIFICATION_RESENT = AuditAction("notification.resent")
    ADDRESS_AGREEMENT_AGREED = AuditAction("address_agreement.agreed")
    ADDRESS_AGREEMENT_STOPPED = AuditAction("address_agreement.stopped")


class SchedulingEvent:
    BOOKING_CREATED = EventName("scheduling.booking_created")
    BOOKING_CONFIRMED = EventName("scheduling.booking_confirmed")
    BOOKING_RESCHEDULED = EventName("scheduling.booking_rescheduled")
    BOOKING_REASSIGNED = EventName("scheduling.booking_reassigned")
    BOOKING_CANCELED = EventName("scheduling.booking_canceled")
    BOOKING_COMPLETED = EventName("scheduling.booking_completed")
    BOOKING_NO_SHOW = EventName("scheduling.booking_no_show")
    BOOKING_ERASED = EventName("scheduling.booking_erased")
    NOTICE_DUE = EventName("scheduling.notice_due")
    ADDRESS_PROOF_ASKED = EventName("scheduling.address_proof_asked")
    ADDRESS_ASKED = EventName("scheduling.address_asked")
    ROUTING_SUBMITTED = EventName("scheduling.routing_submitted")
    WORKFLOW_CHANGED = EventName("scheduling.workflow_changed")
    NOTIFICATION_DUE = EventName("scheduling.notification_due")
    REMINDERS_DUE = EventName("scheduling.reminders_due")
    CALENDAR_CHANGED = EventName("scheduling.calendar_changed")
    CALENDAR_DIED = EventName("scheduling.calendar_died")
    CALENDAR_EVENT_DUE = EventName("scheduling.calendar_event_due")
    # Can be subscribed to, and is announced by what is to come.
    BOOKING_UPDATED = EventName("scheduling.booking_updated")
    BOOKING_DECLINED = EventName("scheduling.booking_declined")


class SchedulingDirectory:
    EVENT_TYPE = DirectoryKind("event_type")
    ROUTING_FORM = DirectoryKind("routing_form")
    MANAGEMENT_TOKEN = DirectoryKind("management_token")


_PAYLOAD = "parley.scheduling.booking_payloads:webhook_payload"
PUBLIC_EVENTS = (
    PublicEvent("booking.created", "A booking was made.", "booking_id", (SchedulingEvent.BOOKING_CREATED,), _PAYLOAD),
    PublicEvent(
        "booking.updated",
        "A booking was changed, confirmed, declined, or has taken place.",
        "booking_id",
        (
            SchedulingEvent.BOOKING_UPDATED,
            SchedulingEvent.BOOKING_CONFIRMED,
            SchedulingEvent.BOOKING_DECLINED,
            SchedulingEvent.BOOKING_COMPLETED,
            SchedulingEvent.BOOKING_NO_SHOW,
            SchedulingEvent.BOOKING_REASSIGNED,
        ),
        _PAYLOAD,
    ),
    PublicEvent("booking.canceled", "A booking was canceled.", "booking_id", (SchedulingEvent.BOOKING_CANCELED,), _PAYLOAD),
    PublicEvent("booking.rescheduled", "A booking was moved.", "booking_id", (SchedulingEvent.BOOKING_RESCHEDULED,), _PAYLOAD),
    PublicEvent("invitee.created", "Somebody was booked in.", "booking_id", (SchedulingEvent.BOOKING_CREATED,), _PAYLOAD),
    PublicEvent("routing.submitted", "A routing form was filled in.", "submission_id", (SchedulingEvent.ROUTING_SUBMITTED,), _PAYLOAD),
)

SCOPES = (
    Scope("bookings:read", "See bookings.", "VIEWER"),
    Scope("bookings:write", "Make and change bookings.", "MEMBER"),
    Scope("invitees:erase", "Erase what is known of an invitee.", "ADMIN"),
    Scope("schedules:read", "See availability schedules.", "VIEWER"),
    Scope("schedules:write", "Change availability schedules.", "MEMBER"),
    Scope("event_types:read", "See event types.", "VIEWER"),
    Scope("event_types:write", "Change event types.", "MEMBER"),
    Scope("routing_forms:read", "See routing forms.", "VIEWER"),
    Scope("routing_forms:write", "Change routing forms.", "MEMBER"),
    Scope("routing_submissions:read", "See what people answered to routing forms.", "VIEWER"),
    Scope("workflows:read", "See workflows, and the log of what was sent about bookings.", "VIEWER"),
    Scope("workflows:write", "Change workflows, and send again.", "MEMBER"),
    Scope("calendars:read", "See one's own calendar connections.", "VIEWER"),
    Scope("calendars:write", "Connect one's own calendars, and choose what counts.", "MEMBER"),
)
