"""A payment provider's events: signed as Stripe signs them (`t=…,v1=…`, HMAC-SHA256 over `t.body`), each counted once, in their own order.

What a subscription says makes the plan of the organization that its metadata named first; one subscription never pays for two. Events
come twice and out of order: of one subscription, the newest `created` wins, which is of a second: what made the subscription is older
than all else. An organization that is deleted hears them as well, or it would come back with a plan that nobody pays. Whoever has more
members than the smaller plan has seats keeps them; nobody comes in until there are fewer.
"""

import hmac
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parley.identity.billing import plan_changes
from parley.identity.billing.models import PaymentEvent, PaymentSubscription
from parley.identity.declared import IdentityDirectory
from parley.identity.roles import organization_lock
from parley.identity.roles.organization_lock import NoSuchOrganization
from parley.kernel.access.callers import system
from parley.kernel.access.plans import PlanType
from parley.kernel.persistence import directory
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id

TOLERANCE_SECONDS = 300
RETENTION = timedelta(days=400)
"""So long an event is known again: providers deliver for days, and show what they sent for a month. What comes later is `older`."""
_PAID = {"active", "trialing", "past_due"}
"""While the provider still tries to collect, the plan stays."""
_KINDS = {"customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted"}
_CHECKOUT = "checkout.session.completed"


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    """What an event says of a subscription."""

    id: str
    created: datetime
    organization_id: UUID | None
    subscription: str
    plan: PlanType | None
    """None: it is paid, at a price that no plan has."""
    is_ended: bool
    is_beginning: bool


def is_signed(body: bytes, header: str, secret: str, at: float | None = None) -> bool:
    """Whether one of the header's `v1` is the signature of exactly these bytes, made within `TOLERANCE_SECONDS` of now."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    if len(stamps) != 1 or not (stamps[0].isascii() and stamps[0].isdecimal() and len(stamps[0]) <= 12):
        return False
    if abs((time.time() if at is None else at) - int(stamps[0])) > TOLERANCE_SECONDS:
        return False
    expected = hmac.digest(secret.encode(), stamps[0].encode() + b"." + body, "sha256").hex().encode()
    return any(hmac.compare_digest(value.encode(errors="replace"), expected) for name, _, value in parts if name == "v1")


def read(body: bytes, prices: str) -> SubscriptionChange | None:
    """What a signed event is about, or None: another kind, or nothing of ours. `prices`: a JSON object of price ids to plans.

    Raises `ValueError` for prices that are set wrongly: the provider sends the event again.
    """
    plans = {price: PlanType(plan) for price, plan in dict(json.loads(prices or "{}")).items()}
    try:
        event: Any = json.loads(body)
        kind, object_ = event["type"], event["data"]["object"]
        named = (object_.get("metadata") or {}).get("organization_id")
        organization_id = UUID(named) if named else None
        is_ended = kind == "customer.subscription.deleted"
        if kind in _KINDS:
            subscription, is_paid = object_["id"], not is_ended and object_["status"] in _PAID
            bought = [item["price"]["id"] for item in object_["items"]["data"]] if is_paid else []
        elif kind == _CHECKOUT and object_["payment_status"] in ("paid", "no_payment_required"):
            subscription, is_paid, bought = object_["subscription"], True, [object_["metadata"]["price_id"]]
        else:
            return None
        paid = [plans[price] for price in bought if price in plans]
        if not isinstance(subscription, str):
            return None
        plan = max(paid, key=list(PlanType).index, default=None if is_paid else PlanType.FREE)
        created = datetime.fromtimestamp(int(event["created"]), UTC)
        return SubscriptionChange(
            str(event["id"]), created, organization_id, subscription, plan, is_ended, kind == "customer.subscription.created"
        )
    except (ValueError, KeyError, AttributeError, TypeError, OverflowError, OSError):
        return None


def take(change: SubscriptionChange) -> str:
    """Give the plan. Says what became of the event: `taken`, `repeated`, `older`, `unknown_organization`, `unknown_price`, `ignored`.

    Of a price that nobody knows nothing is kept: once it is set, the same event can be sent again.
    """
    organization_id = directory.organization_of(IdentityDirectory.PAYMENT_SUBSCRIPTION, change.subscription) or change.organization_id
    if organization_id is None:
        return "ignored"
    if change.plan is None:
        return "unknown_price"
    caller = system(organization_id)
    try:
        with transaction(caller) as session:
            organization = organization_lock.lock_organization(
                session, with_deleted=True
            )  # events of one organization wait here for each other
            values = {"organization_id": organization_id, "id": new_id(), "event": change.id, "taken_at": now()}
            first = insert(PaymentEvent).values(**values).on_conflict_do_nothing(index_elements=["organization_id", "event"])
            if session.execute(first.returning(PaymentEvent.id)).scalar_one_or_none() is None:
                return "repeated"
            subscription = session.scalars(
                select(PaymentSubscription).where(PaymentSubscription.subscription == change.subscription)
            ).one_or_none()
            if subscription is not None and (
                subscription.is_ended
                or subscription.told_at > change.created
                or (change.is_beginning and subscription.told_at == change.created)
            ):
                return "older"
            if subscription is None:
                subscription = PaymentSubscription(subscription=change.subscription)
                session.add(subscription)
                directory.enter(session, IdentityDirectory.PAYMENT_SUBSCRIPTION, change.subscription)
            subscription.told_at, subscription.plan, subscription.is_ended = change.created, change.plan, change.is_ended
            session.flush()
            largest = max(session.scalars(select(PaymentSubscription.plan)), key=list(PlanType).index)
            if organization.plan is not largest:
                plan_changes.set_plan(session, caller, largest, reason="payment", with_deleted=True)
            return "taken"
    except NoSuchOrganization:
        return "unknown_organization"


def forget(session: Session) -> int:
    """Delete events that nobody delivers any more, in a sweep. What was said of subscriptions stays. Returns how many."""
    old = session.execute(delete(PaymentEvent).where(PaymentEvent.taken_at < func.now() - literal(RETENTION)))
    return old.rowcount  # type: ignore[attr-defined, no-any-return]  # a DELETE's result has it
