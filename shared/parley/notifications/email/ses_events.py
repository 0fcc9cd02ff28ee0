"""Events of SES about mails that we sent, as EventBridge brings them: bounces and complaints.

Source: Amazon SES Developer Guide, "Examples of event data". An event names recipients; only one that the mail went to is believed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from parley.notifications.email.suppressions import SuppressionKind

_ABOUT_THE_MESSAGE = frozenset({"MessageTooLarge", "ContentRejected", "AttachmentRejected"})
"""Bounces that say nothing of the address."""


class MalformedSesEvent(Exception):
    """This is no event of SES, or lacks what every one has."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What an event says of one address."""

    address: str
    kind: SuppressionKind
    reason: str
    feedback_id: str


class _Recipient(BaseModel):
    emailAddress: str  # noqa: N815  # SES's word


class _Bounce(BaseModel):
    feedbackId: str  # noqa: N815  # SES's word
    bounceType: str  # noqa: N815  # SES's word
    bounceSubType: str = ""  # noqa: N815  # SES's word
    bouncedRecipients: list[_Recipient]  # noqa: N815  # SES's word


class _Complaint(BaseModel):
    feedbackId: str  # noqa: N815  # SES's word
    complaintFeedbackType: str | None = None  # noqa: N815  # SES's word
    complainedRecipients: list[_Recipient]  # noqa: N815  # SES's word


class _Mail(BaseModel):
    destination: list[str]


class _BounceEvent(BaseModel):
    eventType: Literal["Bounce"]  # noqa: N815  # SES's word
    bounce: _Bounce
    mail: _Mail


class _ComplaintEvent(BaseModel):
    eventType: Literal["Complaint"]  # noqa: N815  # SES's word
    complaint: _Complaint
    mail: _Mail


_Event = Annotated[_BounceEvent | _ComplaintEvent, Field(discriminator="eventType")]


def feedback(body: str) -> Iterator[Feedback]:
    """What a message of the queue says. Raises `MalformedSesEvent`."""
    try:
        envelope: Any = json.loads(body)
        event = TypeAdapter[_BounceEvent | _ComplaintEvent](_Event).validate_python(envelope["detail"])
    except (ValueError, RecursionError, TypeError, KeyError, ValidationError) as error:
        raise MalformedSesEvent(type(error).__name__) from None  # its text holds addresses
    destinations = {_mailbox(address) for address in event.mail.destination}
    if isinstance(event, _ComplaintEvent):
        if event.complaint.complaintFeedbackType == "not-spam":
            return
        kind, reason = SuppressionKind.COMPLAINT, event.complaint.complaintFeedbackType or "complaint"
        recipients, feedback_id = event.complaint.complainedRecipients, event.complaint.feedbackId
    else:
        if event.bounce.bounceSubType in _ABOUT_THE_MESSAGE:
            return
        kind = SuppressionKind.BOUNCE if event.bounce.bounceType == "Permanent" else SuppressionKind.SOFT_BOUNCE
        reason = event.bounce.bounceSubType or event.bounce.bounceType
        recipients, feedback_id = event.bounce.bouncedRecipients, event.bounce.feedbackId
    for address in {_mailbox(recipient.emailAddress) for recipient in recipients} & destinations:
        yield Feedback(address, kind, reason[:60], feedback_id[:200])


def _mailbox(written: str) -> str:
    return parseaddr(written)[1].lower()
