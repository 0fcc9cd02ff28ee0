"""How messages leave, to whom, and what became of them."""

from enum import StrEnum


class NotificationChannel(StrEnum):
    EMAIL = "EMAIL"
    SMS = "SMS"
    WEBHOOK = "WEBHOOK"


class NotificationStatus(StrEnum):
    PENDING = "PENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class RecipientKind(StrEnum):
    """ADDRESS: one that somebody named. ENDPOINT: a URL."""

    INVITEE = "INVITEE"
    HOST = "HOST"
    ADDRESS = "ADDRESS"
    ENDPOINT = "ENDPOINT"
