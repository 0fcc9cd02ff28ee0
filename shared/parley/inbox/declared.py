"""What others read of inbox: see `parley.kernel.values.declarations`."""

from parley.kernel.values.declarations import AuditAction, DirectoryKind, EventName, PublicEvent, Scope


class InboxAction:
    CONNECTION_CREATED = AuditAction("connection.created")
    CONNECTION_UPDATED = AuditAction("connection.updated")
    CONNECTION_DELETED = AuditAction("connection.deleted")
    CONVERSATION_READ = AuditAction("conversation.read")
    CONVERSATION_MERGED = AuditAction("conversation.merged")
    MESSAGE_RECEIVED = AuditAction("message.received")
    MESSAGE_SENT = AuditAction("message.sent")
    MESSAGE_UPDATED = AuditAction("message.updated")
    MESSAGE_STATUS_CHANGED = AuditAction("message.status_changed")


class InboxEvent:
    CONNECTION_CREATED = EventName("inbox.connection_created")
    CONNECTION_ENDED = EventName("inbox.connection_ended")
    CONVERSATION_READ = EventName("inbox.conversation_read")
    MESSAGE_RECEIVED = EventName("inbox.message_received")
    MESSAGE_SENT = EventName("inbox.message_sent")
    MESSAGE_UPDATED = EventName("inbox.message_updated")
    MESSAGE_STATUS_CHANGED = EventName("inbox.message_status_changed")


class InboxDirectory:
    WHATSAPP_NUMBER = DirectoryKind("whatsapp_number")


_PAYLOAD = "parley.inbox.message_payloads:webhook_payload"
PUBLIC_EVENTS = (
    PublicEvent("message.received", "A customer wrote.", "message_id", (InboxEvent.MESSAGE_RECEIVED,), _PAYLOAD),
    PublicEvent("message.sent", "A message went to a customer.", "message_id", (InboxEvent.MESSAGE_SENT,), _PAYLOAD),
    PublicEvent(
        "message.failed",
        "A message did not reach a customer.",
        "message_id",
        (InboxEvent.MESSAGE_STATUS_CHANGED,),
        _PAYLOAD,
        lambda payload: payload.get("status") == "FAILED",
    ),
)

SCOPES = (
    Scope("connections:read", "See connected platforms.", "VIEWER"),
    Scope("connections:write", "Connect and disconnect platforms.", "ADMIN"),
    Scope("conversations:read", "See conversations.", "VIEWER"),
    Scope("conversations:write", "Assign, close and mark conversations.", "MEMBER"),
    Scope("messages:read", "Read messages.", "VIEWER"),
    Scope("messages:write", "Send messages.", "MEMBER"),
)
