"""Subscriptions: who wants to be told of what, and where."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.persistence.column_encryption import seal, seal_all, unseal
from parley.kernel.persistence.pagination import Page, page
from parley.kernel.values import clock
from parley.kernel.values.errors import Conflict, NotFound
from parley.kernel.values.ids import new_id
from parley.webhooks import attempts, endpoint_verification, fan_out, queries, signing
from parley.webhooks.declared import WebhooksAction, WebhooksEvent, WebhookType
from parley.webhooks.models import DeliveryStatus, DisabledReason, WebhookDelivery, WebhookSubscription
from parley.webhooks.schemas import (
    Headers,
    RotationWanted,
    SubscriptionCreate,
    SubscriptionRead,
    SubscriptionSecretRead,
    SubscriptionUpdate,
)

MOST = 100


class NoSuchSubscription(NotFound):
    """There is none, or it is another organization's."""

    def __init__(self) -> None:
        super().__init__("There is no such webhook subscription.")


class TooManySubscriptions(Conflict):
    """The organization has as many as it can have."""


def subscribe(session: Session, caller: Caller, wanted: SubscriptionCreate) -> SubscriptionSecretRead:
    """Add a subscription to a URL that was checked. The answer holds its secret. Raises what `add` raises."""
    made = add(
        session,
        caller,
        name=wanted.name,
        url=wanted.url,
        events=wanted.events,
        headers=wanted.headers,
        max_per_minute=wanted.max_per_minute,
    )
    return with_secret(*made)


def add(
    session: Session,
    caller: Caller,
    *,
    name: str,
    url: str,
    events: list[str],
    headers: Headers | None = None,
    max_per_minute: int = 300,
) -> tuple[WebhookSubscription, str]:
    """A subscription and its secret; its address is asked whether it wants any. `events` may be such as only its maker sends.

    Raises `TooManySubscriptions`, `TooManyToThisHost`, `RateLimitExceeded`.
    """
    urls = queries.subscribed_urls(session)
    if len(urls) >= MOST:
        raise TooManySubscriptions(f"An organization has at most {MOST} webhook subscriptions; delete one first.")
    endpoint_verification.check_subscriptions_of_host(url, urls)

    assert caller.person_id is not None
    row = WebhookSubscription(name=name, maker_id=caller.person_id, url=url, events=events, max_per_minute=max_per_minute)
    session.add(row)
    secret = signing.new_secret()
    row.header_names = sorted(headers or {})
    with session.no_autoflush:
        seal_all(session, row, {WebhookSubscription.secret: secret} | _header_values(headers or {}))

    audit.record(session, caller, WebhooksAction.WEBHOOK_SUBSCRIPTION_CREATED, row, new={"events": row.events})
    endpoint_verification.send_challenge(session, caller, row)
    return row, secret


def with_secret(row: WebhookSubscription, secret: str) -> SubscriptionSecretRead:
    return SubscriptionSecretRead(**SubscriptionRead.model_validate(row).model_dump(), secret=secret)


def _header_values(headers: Headers) -> dict[Any, str]:
    """What is sealed of them, by column: nothing when there are none."""
    return (
        {WebhookSubscription.header_values: json.dumps({name: value.get_secret_value() for name, value in headers.items()})}
        if headers
        else {}
    )


def subscriptions(session: Session, *, limit: int, cursor: str | None) -> Page[SubscriptionRead]:
    """A page of subscriptions, newest first. One query."""
    rows, following = page(session, queries.subscriptions(), [WebhookSubscription.id], cursor=cursor, limit=limit)
    return Page(items=[SubscriptionRead.model_validate(row) for row in rows], next_cursor=following)


def subscription(session: Session, subscription_id: UUID, *, to_change: bool = False) -> WebhookSubscription:
    """Raises `NoSuchSubscription`."""
    row = queries.subscription(session, subscription_id, to_change=to_change)
    if row is None:
        raise NoSuchSubscription
    return row


def change(session: Session, caller: Caller, subscription_id: UUID, wanted: SubscriptionUpdate) -> WebhookSubscription:
    """Change what is given; a URL was checked. Raises `NoSuchSubscription`."""
    row = subscription(session, subscription_id, to_change=True)

    changes = wanted.model_dump(include=wanted.model_fields_set - {"headers", "is_active", "url"})
    for name, value in changes.items():
        setattr(row, name, value)
    if wanted.url is not None:
        _lead_to(session, caller, row, wanted.url)
    if wanted.headers is not None:
        row.header_names, row.header_values = sorted(wanted.headers), None
        if wanted.headers:
            seal_all(session, row, _header_values(wanted.headers))
    row.updated_at = clock.now()

    changed = {"changed": sorted(wanted.model_fields_set)} | ({"events": row.events} if wanted.events is not None else {})
    audit.record(session, caller, WebhooksAction.WEBHOOK_SUBSCRIPTION_UPDATED, row, new=changed)
    if wanted.is_active is False:
        attempts.disable(session, caller, row, DisabledReason.MANUAL)
    elif wanted.is_active:
        _enable(session, caller, row)
    return row


def redirect(session: Session, caller: Caller, subscription_id: UUID, url: str) -> None:
    """Send to another URL, which was checked. Raises `NoSuchSubscription`."""
    row = subscription(session, subscription_id, to_change=True)
    _lead_to(session, caller, row, url)
    row.updated_at = clock.now()
    audit.record(session, caller, WebhooksAction.WEBHOOK_SUBSCRIPTION_UPDATED, row, new={"changed": ["url"]})


def _lead_to(session: Session, caller: Caller, row: WebhookSubscription, url: str) -> None:
    """Another URL. What was asked for by the endpoint was its own wish, secret headers were for its origin alone, and it is asked anew
    whether it wants any events."""
    if url == row.url:
        return
    others = list(queries.subscribed_urls(session))
    others.remove(row.url)
    endpoint_verification.check_subscriptions_of_host(url, others)
    if _origin(url) != _origin(row.url):
        row.header_names, row.header_values = [], None
    row.url, row.paused_until = url, None
    endpoint_verification.send_challenge(session, caller, row)


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port (RFC 6454)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def enable(session: Session, caller: Caller, subscription_id: UUID) -> WebhookSubscription:
    """Send again, beginning with what was held, each with a new round of attempts. Of an active subscription nothing changes.

    Raises `NoSuchSubscription`.
    """
    row = subscription(session, subscription_id, to_change=True)
    _enable(session, caller, row)
    return row


def _enable(session: Session, caller: Caller, row: WebhookSubscription) -> None:
    if caller.person_id is not None and not queries.has_maker(session, row):
        row.maker_id, row.maker_since = caller.person_id, clock.now()  # who answers for it from now on
    if row.is_active:
        return
    row.is_active, row.disabled_reason, row.disabled_at = True, None, None
    row.failing_since, row.warned_at, row.paused_until, row.consecutive_failures = None, None, None, 0
    session.flush()
    audit.record(session, caller, WebhooksAction.WEBHOOK_SUBSCRIPTION_ENABLED, row)
    if row.verified_at is None:
        endpoint_verification.send_challenge(session, caller, row)
    else:
        endpoint_verification.release(session, row)


def delete(session: Session, caller: Caller, subscription_id: UUID) -> WebhookSubscription:
    """Nothing is sent any more, secrets are gone; the log stays until its time is over. Raises `NoSuchSubscription`."""
    row = subscription(session, subscription_id, to_change=True)
    at = clock.now()
    row.deleted_at, row.is_active = at, False
    row.secret = row.old_secret = row.header_values = None
    waiting = update(WebhookDelivery).where(WebhookDelivery.subscription_id == row.id, WebhookDelivery.status.in_(queries.OPEN))
    ended = waiting.values(status=DeliveryStatus.FAILED, error="subscription_deleted", next_retry_at=None, attempt_id=None, updated_at=at)
    over = session.execute(
        ended.returning(WebhookDelivery.event, WebhookDelivery.event_id), execution_options={"synchronize_session": False}
    )
    attempts.announce_ended(session, [event_id for event, event_id in over if event == WebhookType.WORKFLOW])
    session.flush()

    audit.record(session, caller, WebhooksAction.WEBHOOK_SUBSCRIPTION_DELETED, row)
    return row


def rotate(session: Session, caller: Caller, subscription_id: UUID, wanted: RotationWanted) -> SubscriptionSecretRead:
    """A new secret; the one it replaces signs beside it for some hours. The answer holds the new one. Raises `NoSuchSubscription`."""
    row = subscription(session, subscription_id, to_change=True)

    at, secret = clock.now(), signing.new_secret()
    if wanted.overlap_hours:
        seal_all(
            session,
            row,
            {WebhookSubscription.old_secret: unseal(session, row, WebhookSubscription.secret), WebhookSubscription.secret: secret},
        )
        row.old_secret_expires_at = at + timedelta(hours=wanted.overlap_hours)
    else:
        row.old_secret = row.old_secret_expires_at = None
        seal(session, row, WebhookSubscription.secret, secret)
    row.updated_at = at

    audit.record(session, caller, WebhooksAction.WEBHOOK_SUBSCRIPTION_SECRET_ROTATED, row, new={"overlap_hours": wanted.overlap_hours})
    return with_secret(row, secret)


def ping(session: Session, caller: Caller, subscription_id: UUID) -> WebhookDelivery:
    """Have a test sent, once, to a disabled subscription as well; to an address that has not agreed yet, the challenge again.

    Raises `NoSuchSubscription`, `RateLimitExceeded`.
    """
    row = subscription(session, subscription_id, to_change=True)
    if row.verified_at is None:
        delivery = endpoint_verification.send_challenge(session, caller, row)
        audit.record(session, caller, WebhooksAction.WEBHOOK_SUBSCRIPTION_PINGED, row)
        return delivery
    event_id = new_id()
    text = fan_out.body(WebhookType.PING, clock.now(), {"subscription_id": str(row.id), "name": row.name})
    values = fan_out.new_delivery(caller, row.id, event_id, WebhookType.PING, None, text, most=1)
    delivery = session.execute(insert(WebhookDelivery).values(values).returning(WebhookDelivery)).scalar_one()
    audit.record(session, caller, WebhooksAction.WEBHOOK_SUBSCRIPTION_PINGED, row)
    outbox.announce(session, WebhooksEvent.TURN_DUE, subscription_id=row.id)
    return delivery
