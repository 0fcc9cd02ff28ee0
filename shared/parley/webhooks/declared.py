"""What others read of webhooks: see `parley.kernel.values.declarations`."""

from parley.kernel.values.declarations import AuditAction, EventName, Scope


class WebhooksAction:
    WEBHOOK_SUBSCRIPTION_CREATED = AuditAction("webhook_subscription.created")
    WEBHOOK_SUBSCRIPTION_UPDATED = AuditAction("webhook_subscription.updated")
    WEBHOOK_SUBSCRIPTION_DELETED = AuditAction("webhook_subscription.deleted")
    WEBHOOK_SUBSCRIPTION_ENABLED = AuditAction("webhook_subscription.enabled")
    WEBHOOK_SUBSCRIPTION_DISABLED = AuditAction("webhook_subscription.disabled")
    WEBHOOK_SUBSCRIPTION_VERIFIED = AuditAction("webhook_subscription.verified")
    WEBHOOK_SUBSCRIPTION_SECRET_ROTATED = AuditAction("webhook_subscription.secret_rotated")
    WEBHOOK_SUBSCRIPTION_PINGED = AuditAction("webhook_subscription.pinged")
    WEBHOOK_DELIVERY_REPLAYED = AuditAction("webhook_delivery.replayed")


class WebhooksEvent:
    TURN_DUE = EventName("webhooks.turn_due")
    ATTEMPT_ENDED = EventName("webhooks.attempt_ended")
    SUBSCRIPTION_FAILING = EventName("webhooks.subscription_failing")
    SUBSCRIPTION_DISABLED = EventName("webhooks.subscription_disabled")
    DELIVERY_ENDED = EventName("webhooks.delivery_ended")


class WebhookType:
    """Types of webhooks that no event of the bus stands behind. Nobody subscribes to them: each goes to the endpoint that it is about."""

    PING = "ping"  # what a test sends
    CHALLENGE = "webhook.challenge"  # what a new address is asked before it gets anything else (`endpoint_verification`)
    # What workflows of scheduling send, each to an endpoint of its own. How one ended is announced (`WebhooksEvent.DELIVERY_ENDED`).
    WORKFLOW = "workflow.triggered"


SCOPES = (
    Scope("webhooks:read", "See webhook subscriptions and what was sent to them.", "VIEWER"),
    Scope("webhooks:write", "Change webhook subscriptions, and send again.", "ADMIN"),
)
