"""The catalogue of audit actions: dotted, past tense."""

_GENERIC = ("created", "updated", "deleted", "exported", "shared")
_ENTITIES = (
    "organization", "user", "member", "team", "invitation", "api_key", "project", "saml_connection",
    "schedule", "event_type", "pool", "booking", "connection", "conversation", "message", "meeting", "recording", "room", "file",
    "webhook_subscription", "webhook_delivery", "calendar_connection", "routing_form", "routing_submission", "workflow",
)  # fmt: skip

ACTIONS = frozenset(f"{entity}.{verb}" for entity in _ENTITIES for verb in _GENERIC) | {
    "saml_connection.proposed", "saml_connection.approved", "saml_domain.verified", "saml_domain.lost", "api_key.approved",
    "provider.linked", "provider.unlinked",
    "user.registered", "user.login_succeeded", "user.login_failed", "user.logged_out", "token.issued",
    "organization.restored", "organization.transferred", "organization.plan_changed",
    "member.joined", "member.left", "member.promoted", "member.demoted", "member.deactivated", "member.reactivated",
    "member.sessions_ended",
    "team.member_added", "team.member_removed", "team.member_changed",
    "invitation.accepted", "invitation.declined", "invitation.revoked", "invitation.resent", "invitation.mailed",
    "security.unauthorized_access_attempted", "security.rate_limit_exceeded", "security.suspicious_activity_seen",
    "api_key.regenerated", "api_key.revoked",
    "booking.canceled", "booking.confirmed", "booking.rescheduled", "booking.reassigned", "booking.no_show", "booking.completed",
    "booking.notified", "invitee.erased", "calendar_connection.expired",
    "conversation.read", "conversation.merged", "message.received", "message.sent", "message.status_changed",
    "meeting.status_changed", "upload.started", "upload.completed", "upload.aborted", "upload.rejected",
    "recording.started", "recording.stopped", "recording.uploaded", "recording.downloaded",
    "room.started", "room.ended", "room.cancelled",
    "participant.joined", "participant.left", "participant.kicked", "participant.banned",
    "participant.role_changed", "participant.promoted", "participant.demoted",
    "participant.muted", "participant.unmuted", "participant.all_muted", "screen_share.started", "screen_share.stopped",
    "webhook_subscription.disabled", "webhook_subscription.enabled", "webhook_subscription.secret_rotated", "webhook_subscription.pinged",
    "webhook_subscription.verified",
    "webhook_delivery.replayed",
    "workflow.tested", "notification.resent", "address_agreement.agreed", "address_agreement.stopped",
    "producer.created", "producer.closed", "consumer.created", "consumer.closed",
}  # fmt: skip
