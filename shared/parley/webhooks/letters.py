"""Mails to owner and administrators, when an endpoint fails for long or was disabled."""

from uuid import UUID

from parley.identity.letters import letter
from parley.kernel.callers import Caller
from parley.kernel.db import transaction
from parley.notifications.email_message import is_deliverable
from parley.notifications.sender import Sender
from parley.webhooks import queries
from parley.webhooks.messages import DISABLED
from parley.webhooks.models import DisabledReason, WebhookSubscription
from parley.webhooks.timing import KEPT

_WHY = {
    DisabledReason.GONE: "It answered 410 Gone, which asks us to stop.",
    DisabledReason.FAILING: "For days, nothing that we sent was accepted.",
    DisabledReason.MAKER_LEFT: "Who made it may not have webhooks any more. An administrator who enables it answers for it from then on.",
}


def write(caller: Caller, event: str, subscription_id: UUID, send: Sender) -> None:
    """A mail for each of them; none when the endpoint works again. One whose address is refused keeps nobody from theirs."""
    with transaction(caller) as session:
        row = queries.subscription(session, subscription_id)
        addresses = [address for address in queries.keepers(session) if address is not None and is_deliverable(address)]
    said = _said(row, event) if row is not None else None
    if row is None or said is None:
        return
    subject, paragraphs = said
    entity = f"webhook-{row.id}-{send.event_id}"
    send.each(letter(address, subject=subject, paragraphs=paragraphs, entity=entity) for address in addresses)


def _said(row: WebhookSubscription, event: str) -> tuple[str, list[str]] | None:
    if event == DISABLED and not row.is_active and row.disabled_reason in _WHY:
        return f"The webhook {row.name} was disabled", [
            f"We do not send events to {row.url} any more. {_WHY[row.disabled_reason]}",
            f"Events are kept for {KEPT.days} days. When you enable the subscription, everything that was kept is sent.",
        ]
    if event != DISABLED and row.is_active and row.warned_at is not None:
        return f"The webhook {row.name} fails", [
            f"An event was not accepted by {row.url}, however often we tried; the log of deliveries says what was answered.",
            "We keep trying with newer events. An endpoint that accepts nothing for five days is disabled.",
        ]
    return None
