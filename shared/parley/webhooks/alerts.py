"""Mails to owner and administrators, when an endpoint fails for long or was disabled."""

from uuid import UUID

from parley.identity.mails.account_mails import compose_account_mail
from parley.kernel.access.callers import Caller
from parley.kernel.persistence.transactions import transaction
from parley.notifications.delivery.sender import Sender
from parley.notifications.email.email_message import Mail, is_deliverable
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import Words
from parley.notifications.localization.catalogues import marked as _
from parley.webhooks import queries
from parley.webhooks.declared import WebhooksEvent
from parley.webhooks.models import DisabledReason, WebhookSubscription
from parley.webhooks.retry_policy import RETENTION

DOMAIN = "webhooks"
_WHY = {
    DisabledReason.GONE: _("It answered 410 Gone, which asks us to stop."),
    DisabledReason.FAILING: _("For days, nothing that we sent was accepted."),
    DisabledReason.MAKER_LEFT: _(
        "Who made it may not have webhooks any more. An administrator who enables it answers for it from then on."
    ),
}


def send_alerts(caller: Caller, event: str, subscription_id: UUID, send: Sender) -> None:
    """A mail for each of them; none when the endpoint works again. One whose address is refused keeps nobody from theirs."""
    with transaction(caller) as session:
        row = queries.subscription(session, subscription_id)
        people = [
            (address, locale)
            for address, locale in queries.webhook_administrators(session)
            if address is not None and is_deliverable(address)
        ]
    if row is None or _content(row, event, Words(DOMAIN)) is None:
        return
    send.each(_mail(row, event, address, Words(DOMAIN, languages.chosen(locale)), send.event_id) for address, locale in people)


def _mail(row: WebhookSubscription, event: str, address: str, words: Words, event_id: UUID) -> Mail:
    subject, paragraphs = _content(row, event, words) or ("", [])
    return compose_account_mail(address, subject=subject, paragraphs=paragraphs, entity=f"webhook-{row.id}-{event_id}", locale=words.locale)


def _content(row: WebhookSubscription, event: str, words: Words) -> tuple[str, list[str]] | None:
    if event == WebhooksEvent.SUBSCRIPTION_DISABLED and not row.is_active and row.disabled_reason in _WHY:
        return words("The webhook %(name)s was disabled", name=row.name), [
            f"{words('We do not send events to %(url)s any more.', url=row.url)} {words(_WHY[row.disabled_reason])}",
            words(
                "Events are kept for %(days)s days. When you enable the subscription, everything that was kept is sent.",
                days=RETENTION.days,
            ),
        ]
    if event != WebhooksEvent.SUBSCRIPTION_DISABLED and row.is_active and row.warned_at is not None:
        return words("The webhook %(name)s fails", name=row.name), [
            words(
                "An event was not accepted by %(url)s, however often we tried; the log of deliveries says what was answered.", url=row.url
            ),
            words("We keep trying with newer events. An endpoint that accepts nothing for five days is disabled."),
        ]
    return None
