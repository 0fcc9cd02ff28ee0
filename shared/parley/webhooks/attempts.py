"""Attempts: which may be made now, what is sent, and what became of it. The rows are the queue; messages only wake.

A turn of a subscription begins with its lock, so that two workers never exceed what an endpoint may get at once.
"""

import json
import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.aws.aws_requests import CallFailed
from parley.kernel.persistence import outbox
from parley.kernel.persistence.column_encryption import DecryptionFailed, unseal
from parley.kernel.values import clock
from parley.kernel.values.fields import storable
from parley.kernel.values.ids import new_id
from parley.webhooks import endpoint_verification, queries, retry_policy, signing
from parley.webhooks.declared import WebhooksAction, WebhooksEvent, WebhookType
from parley.webhooks.models import DeliveryStatus, DisabledReason, WebhookDelivery, WebhookSubscription
from parley.webhooks.queue_messages import AttemptOutcome, AttemptRequest

# Requests that one endpoint gets at the same time: a healthy one, and one that has not shown yet that it is, or not lately.
AT_ONCE, AT_ONCE_UNPROVEN = 5, 1
_MINUTE = timedelta(minutes=1)
_REMEMBERED_ATTEMPTS = 50
LONGEST_DELAY = 900  # seconds, of a message in SQS
USER_AGENT = "Parley-Webhooks/1"
GONE = 410
# What is our own fault, and not held against an endpoint.
_OURS = frozenset({"resolver_away"})


@dataclass(slots=True)
class AttemptBatch:
    """What to send, and in how many seconds to look again (None: the sweep will, or who notes the next outcome)."""

    requests: list[AttemptRequest] = field(default_factory=list)
    wake_in: int | None = None


def lease(session: Session, caller: Caller, subscription_id: UUID) -> AttemptBatch:
    """Lease what may be attempted now, and sign it."""
    row = queries.subscription(session, subscription_id, to_change=True)
    return AttemptBatch(_take(session, caller, row)) if row is not None else AttemptBatch()


def record_outcome(session: Session, caller: Caller, outcome: AttemptOutcome) -> AttemptBatch:
    """Write down how an attempt ended, and take the next turn. An outcome that is heard of twice, or too late, changes nothing."""
    row = queries.subscription(session, outcome.subscription_id, to_change=True)
    if row is None:
        return AttemptBatch()
    delivery = queries.delivery(session, outcome.delivery_id)
    wake_in: int | None = None
    if delivery is not None and delivery.attempt_id == outcome.attempt_id:
        outcome = _judged(row, delivery, outcome)
        _note(delivery, outcome)
        if outcome.is_success and delivery.event == WebhookType.CHALLENGE:
            delivery.status, delivery.delivered_at, delivery.next_retry_at = DeliveryStatus.SUCCESS, clock.now(), None
            endpoint_verification.confirm(session, caller, row)
        elif outcome.is_success:
            _succeed(row, delivery)
        else:
            _fail(session, caller, row, delivery, outcome)
        session.flush()
        if delivery.event == WebhookType.WORKFLOW and delivery.status in (DeliveryStatus.SUCCESS, DeliveryStatus.FAILED):
            announce_ended(session, [delivery.event_id])
        if delivery.next_retry_at is not None:
            wake_in = max(math.ceil((delivery.next_retry_at - clock.now()).total_seconds()), 0)
    requests = _take(session, caller, row)
    return AttemptBatch(requests, wake_in if wake_in is not None and wake_in <= LONGEST_DELAY else None)


def _judged(row: WebhookSubscription, delivery: WebhookDelivery, outcome: AttemptOutcome) -> AttemptOutcome:
    """A challenge is answered by its echo, not by a status."""
    if delivery.event != WebhookType.CHALLENGE or not outcome.is_success or endpoint_verification.is_answer(row, outcome.response_body):
        return outcome
    return outcome.model_copy(update={"error": "challenge_not_answered"})


def _take(session: Session, caller: Caller, row: WebhookSubscription) -> list[AttemptRequest]:
    at = clock.now()
    running, has_maker = queries.in_flight(session, row, at)
    if not has_maker:
        disable(session, caller, row, DisabledReason.MAKER_LEFT)
    if not row.is_active or row.verified_at is None:
        hold(session, row)
    is_proven = row.last_success_at is not None and row.failing_since is None
    places = (AT_ONCE if is_proven else AT_ONCE_UNPROVEN) - running
    if row.minute_began_at is None or not timedelta(0) <= at - row.minute_began_at < _MINUTE:
        row.minute_began_at, row.sent_in_minute = at, 0
    # What finds no place is looked for again when an attempt has ended; what the minute has no room for, by the sweep.
    most = min(places, row.max_per_minute - row.sent_in_minute)
    if most <= 0:
        return []
    granted = queries.due(session, row, at, most)
    try:
        opened = _open(session, row, at) if granted else DecryptedSecrets([], {})
    except (DecryptionFailed, CallFailed, OSError) as error:
        for delivery in granted:
            _put_off(row, delivery, "secret_does_not_open" if isinstance(error, DecryptionFailed) else "secret_away", at)
        return []
    row.sent_in_minute += len(granted)
    return [_lease(row, opened, delivery, at) for delivery in granted]


@dataclass(frozen=True, slots=True)
class DecryptedSecrets:
    """What a subscription keeps secret, while a turn is taken."""

    secrets: list[str]
    headers: dict[str, str]


def _open(session: Session, row: WebhookSubscription, at: datetime) -> DecryptedSecrets:
    secrets = [unseal(session, row, WebhookSubscription.secret)]
    if row.old_secret is not None and row.old_secret_expires_at is not None and row.old_secret_expires_at > at:
        secrets.append(unseal(session, row, WebhookSubscription.old_secret))
    return DecryptedSecrets(
        secrets, json.loads(unseal(session, row, WebhookSubscription.header_values)) if row.header_values is not None else {}
    )


def _put_off(row: WebhookSubscription, delivery: WebhookDelivery, error: str, at: datetime) -> None:
    """An attempt that our own side could not make: noted like one, with a wait that grows and an end, and not held against the endpoint."""
    delivery.attempt_count += 1
    delivery.step += 1
    delivery.round_began_at = delivery.round_began_at or at
    delivery.last_attempted_at, delivery.error, delivery.status_code = at, error, None
    noted = {"at": at.isoformat(), "status_code": None, "error": error, "duration_ms": 0}
    delivery.attempts = [*delivery.attempts, noted][-_REMEMBERED_ATTEMPTS:]
    if delivery.step >= delivery.max_attempts:
        delivery.status, delivery.next_retry_at = DeliveryStatus.FAILED, None
    else:
        delivery.status = DeliveryStatus.RETRYING
        delivery.next_retry_at = at + retry_policy.wait(delivery.step, at - delivery.round_began_at, None, at)


def _lease(row: WebhookSubscription, opened: DecryptedSecrets, delivery: WebhookDelivery, at: datetime) -> AttemptRequest:
    delivery.attempt_id = new_id()
    delivery.next_retry_at = at + retry_policy.LEASE
    delivery.last_attempted_at = at
    delivery.round_began_at = delivery.round_began_at or at
    body = delivery.payload or ""
    own = opened.headers
    standard_headers = {"content-type": "application/json", "user-agent": USER_AGENT} | signing.headers(
        opened.secrets, str(delivery.id), at, body
    )
    delivery.request_headers = dict.fromkeys(own, "***") | standard_headers | {"webhook-signature": "***"}
    return AttemptRequest(
        organization_id=row.organization_id,
        subscription_id=row.id,
        delivery_id=delivery.id,
        attempt_id=delivery.attempt_id,
        url=row.url,
        headers=own | standard_headers,
        body=body,
        not_after=at + retry_policy.NOT_AFTER,
    )


def _note(delivery: WebhookDelivery, outcome: AttemptOutcome) -> None:
    delivery.attempt_id = None
    delivery.attempt_count += 1
    delivery.step += 1
    delivery.status_code, delivery.error, delivery.duration_ms = outcome.status_code, outcome.error, outcome.duration_ms
    delivery.response_body = storable(outcome.response_body) if outcome.response_body is not None else None
    seen: dict[str, Any] = outcome.model_dump(mode="json", include={"status_code", "error", "duration_ms"})
    delivery.attempts = [*delivery.attempts, {"at": outcome.started_at.isoformat(), **seen}][-_REMEMBERED_ATTEMPTS:]


def _succeed(row: WebhookSubscription, delivery: WebhookDelivery) -> None:
    at = clock.now()
    delivery.status, delivery.delivered_at, delivery.next_retry_at = DeliveryStatus.SUCCESS, at, None
    row.last_success_at, row.failing_since, row.warned_at, row.consecutive_failures = at, None, None, 0


def _fail(session: Session, caller: Caller, row: WebhookSubscription, delivery: WebhookDelivery, outcome: AttemptOutcome) -> None:
    at = clock.now()
    is_given_up = outcome.status_code == GONE or delivery.step >= delivery.max_attempts
    if is_given_up:
        delivery.status, delivery.next_retry_at = DeliveryStatus.FAILED, None
    else:
        delivery.status = DeliveryStatus.RETRYING
        since = at - (delivery.round_began_at or at)
        delivery.next_retry_at = at + retry_policy.wait(delivery.step, since, outcome.retry_after, at) if row.is_active else None
    if outcome.error in _OURS or delivery.event in (WebhookType.PING, WebhookType.CHALLENGE) or not row.is_active:
        return
    if pause := retry_policy.pause(outcome.status_code, outcome.retry_after, at):
        row.paused_until = max(at + pause, row.paused_until or at)
        delivery.next_retry_at = max(row.paused_until, delivery.next_retry_at) if delivery.next_retry_at is not None else None
    row.failing_since = row.failing_since or at
    row.consecutive_failures += 1
    if outcome.status_code == GONE:
        disable(session, caller, row, DisabledReason.GONE)
    elif at - row.failing_since >= retry_policy.DISABLED_AFTER and row.consecutive_failures >= retry_policy.LEAST_FAILURES:
        disable(session, caller, row, DisabledReason.FAILING)
    elif is_given_up and row.warned_at is None:
        row.warned_at = at
        outbox.announce(session, WebhooksEvent.SUBSCRIPTION_FAILING, subscription_id=row.id, failing_since=row.failing_since.isoformat())


def announce_ended(session: Session, event_ids: list[UUID]) -> None:
    """Announce that what a workflow sent has arrived, or never will. A few at a time: they are read again by who hears it."""
    for event_id in event_ids:
        outbox.announce(session, WebhooksEvent.DELIVERY_ENDED, event_id=event_id)


def disable(session: Session, caller: Caller, row: WebhookSubscription, reason: DisabledReason) -> None:
    """Send nothing more until it is enabled; what comes is held."""
    if not row.is_active:
        return
    row.is_active, row.disabled_reason, row.disabled_at = False, reason, clock.now()
    session.flush()
    hold(session, row)
    audit.record(session, caller, WebhooksAction.WEBHOOK_SUBSCRIPTION_DISABLED, row, new={"reason": reason.value})
    if reason is not DisabledReason.MANUAL:
        outbox.announce(session, WebhooksEvent.SUBSCRIPTION_DISABLED, subscription_id=row.id, reason=reason.value)


def hold(session: Session, row: WebhookSubscription) -> None:
    """What can't be sent waits without a time, so that no sweep wakes for it. Attempts that are being made end as they end.

    A test goes out to a disabled subscription too, a challenge to an address that has not agreed (`queries.due`).
    """
    at = clock.now()
    waiting = (WebhookDelivery.attempt_id.is_(None)) | (WebhookDelivery.next_retry_at <= at)
    sent = WebhookType.PING if row.verified_at is not None else WebhookType.CHALLENGE if row.is_active else ""
    held = (WebhookDelivery.subscription_id == row.id) & WebhookDelivery.next_retry_at.is_not(None) & (WebhookDelivery.event != sent)
    session.execute(update(WebhookDelivery).where(held, waiting).values(next_retry_at=None, attempt_id=None, updated_at=at))
