"""Whether an address wants to hear of events: it answers a challenge before it gets any, so nobody is sent what they did not ask for.

The challenge is a delivery like any other, signed with the subscription's secret. An endpoint agrees with a 2xx whose body holds the
challenge: as JSON, `{"challenge": "..."}`, or as it is. What comes meanwhile is held. So do Meta, Microsoft Graph and Slack.
"""

import json
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.access.rate_limits import RateLimit
from parley.kernel.audit import audit
from parley.kernel.outbound.ssrf_guard import AddressRefused, normalized
from parley.kernel.persistence import outbox
from parley.kernel.persistence.rate_limit_buckets import spend_within
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values import clock
from parley.kernel.values.errors import Conflict
from parley.kernel.values.ids import new_id
from parley.webhooks import fan_out, queries
from parley.webhooks.declared import WebhooksAction, WebhooksEvent, WebhookType
from parley.webhooks.models import DeliveryStatus, WebhookDelivery, WebhookSubscription

MOST_TO_ONE_HOST = 20
"""Subscriptions of one organization."""
ATTEMPTS = 3
_BY_ORGANIZATION = RateLimit("webhook_challenges", "new addresses at this host from your organization", most=10, seconds=3600)
_BY_PERSON = RateLimit("webhook_challenges_of_person", "new addresses at this host from you", most=20, seconds=3600)
# Over all hosts: who owns a domain has as many names for somebody's machine as they like.
_OF_ORGANIZATION = RateLimit("webhook_addresses", "new addresses from your organization", most=100, seconds=3600)
_OF_PERSON = RateLimit("webhook_addresses_of_person", "new addresses from you", most=200, seconds=3600)


class TooManyToThisHost(Conflict):
    """The organization has as many subscriptions to one host as it can have."""


def host_of(url: str) -> str:
    """The host of a URL that was checked, in one form: case, a final dot, letters beyond ASCII and ports make no other of it."""
    host = urlsplit(url).hostname or ""
    try:
        return normalized(host)
    except AddressRefused:  # it was taken under older rules
        return host.lower()


def check_subscriptions_of_host(url: str, urls: Iterable[str]) -> None:
    """Raises `TooManyToThisHost` where the other URLs leave no room for one more."""
    host = host_of(url)
    if sum(host_of(other_url) == host for other_url in urls) >= MOST_TO_ONE_HOST:
        raise TooManyToThisHost(f"At most {MOST_TO_ONE_HOST} subscriptions go to one host; have one of them hear of more events.")


def send_challenge(session: Session, caller: Caller, row: WebhookSubscription) -> WebhookDelivery:
    """Have the challenge sent; until it is answered, events are held. Raises `RateLimitExceeded`."""
    host = host_of(row.url)
    of_host = _BY_ORGANIZATION.of(row.organization_id, host), _BY_PERSON.of(caller.person_id, host)
    spend_within(session, *of_host, _OF_ORGANIZATION.of(row.organization_id), _OF_PERSON.of(caller.person_id))
    row.verified_at, row.challenge = None, secrets.token_urlsafe(24)
    session.flush()
    is_older = (
        (WebhookDelivery.subscription_id == row.id)
        & (WebhookDelivery.event == WebhookType.CHALLENGE)
        & WebhookDelivery.status.in_(queries.OPEN)
    )
    ended = {"status": DeliveryStatus.FAILED, "error": "superseded", "next_retry_at": None, "attempt_id": None, "updated_at": clock.now()}
    execute_later(session, update(WebhookDelivery).where(is_older).values(ended))
    event_id = new_id()
    text = fan_out.body(WebhookType.CHALLENGE, clock.now(), {"subscription_id": str(row.id), "challenge": row.challenge})
    values = fan_out.new_delivery(caller, row.id, event_id, WebhookType.CHALLENGE, None, text, most=ATTEMPTS)
    delivery = session.execute(insert(WebhookDelivery).values(values).returning(WebhookDelivery)).scalar_one()
    outbox.announce(session, WebhooksEvent.TURN_DUE, subscription_id=row.id)
    return delivery


def is_answer(row: WebhookSubscription, body: str | None) -> bool:
    """Whether an endpoint's answer holds the challenge."""
    text = (body or "").strip()
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        answer = text
    echoed = answer.get("challenge") if isinstance(answer, dict) else answer
    return (
        isinstance(echoed, str)
        and row.challenge is not None
        and secrets.compare_digest(echoed.encode(errors="replace"), row.challenge.encode())
    )


def confirm(session: Session, caller: Caller, row: WebhookSubscription) -> None:
    """The endpoint has agreed: what was held is due."""
    row.verified_at, row.challenge = clock.now(), None
    session.flush()
    audit.record(session, caller, WebhooksAction.WEBHOOK_SUBSCRIPTION_VERIFIED, row)
    if row.is_active:
        release(session, row)


def release(session: Session, row: WebhookSubscription) -> None:
    """What was held begins a new round of attempts, now."""
    at = clock.now()
    is_held = WebhookDelivery.status.in_(queries.OPEN) & WebhookDelivery.next_retry_at.is_(None) & WebhookDelivery.payload.is_not(None)
    held = update(WebhookDelivery).where(WebhookDelivery.subscription_id == row.id, is_held)
    begun_anew = {"step": 0, "round_began_at": None, "next_retry_at": at, "updated_at": at}
    session.execute(held.values(begun_anew), execution_options={"synchronize_session": False})
    outbox.announce(session, WebhooksEvent.TURN_DUE, subscription_id=row.id)
