"""A payment provider's events: signed as Stripe signs them (`t=…,v1=…`, HMAC-SHA256 over `t.body`), each counted once, in their own order.

What a subscription says makes the plan of the organization that its metadata names. Events come twice and out of order: of one
subscription, the newest `created` wins. Whoever has more members than the smaller plan has seats keeps them; nobody comes in until
there are fewer.
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

from parley.identity import plan_changes, seats
from parley.identity.payment_models import PaymentEvent, PaymentSubscription
from parley.identity.seats import NoSuchOrganization
from parley.kernel.callers import system
from parley.kernel.clock import now
from parley.kernel.db import transaction
from parley.kernel.ids import new_id
from parley.kernel.plans import PlanType

TOLERANCE_SECONDS = 300
KEPT = timedelta(days=400)
"""So long an event is known again: providers deliver for days, and show what they sent for a month. What comes later is `older`."""
_PAID = {"active", "trialing", "past_due"}
"""While the provider still tries to collect, the plan stays."""
_KINDS = {"customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted"}
_CHECKOUT = "checkout.session.completed"


@dataclass(frozen=True, slots=True)
class Told:
    """What an event says of a subscription."""

    id: str
    created: datetime
    organization_id: UUID
    subscription: str
    plan: PlanType
    is_ended: bool


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


def read(body: bytes, prices: str) -> Told | None:
    """What a signed event is about, or None: another kind, or nothing of ours. `prices`: a JSON object of price ids to plans."""
    try:
        event: Any = json.loads(body)
        kind, object_ = event["type"], event["data"]["object"]
        organization_id = UUID(object_["metadata"]["organization_id"])
        if kind in _KINDS:
            subscription = str(object_["id"])
            price = object_["items"]["data"][0]["price"]["id"]
            is_ended = kind.endswith("deleted")
            is_paid = not is_ended and object_["status"] in _PAID
        elif kind == _CHECKOUT and object_["payment_status"] in ("paid", "no_payment_required"):
            subscription, price = str(object_["subscription"]), object_["metadata"]["price_id"]
            is_paid, is_ended = True, False
        else:
            return None
        plans: dict[str, str] = json.loads(prices or "{}")
        plan = PlanType(plans[price]) if is_paid else PlanType.FREE
        created = datetime.fromtimestamp(int(event["created"]), UTC)
        return Told(str(event["id"]), created, organization_id, subscription, plan, is_ended)
    except (ValueError, KeyError, IndexError, TypeError, OverflowError, OSError):
        return None


def take(told: Told) -> str:
    """Give the plan. Says what became of the event: `taken`, `repeated`, `older`, `unknown_organization`."""
    caller = system(told.organization_id)
    try:
        with transaction(caller) as session:
            organization = seats.lock(session)  # events of one organization wait here for each other
            mine = {"organization_id": told.organization_id, "id": new_id(), "event": told.id, "taken_at": now()}
            first = insert(PaymentEvent).values(**mine).on_conflict_do_nothing(index_elements=["organization_id", "event"])
            if session.execute(first.returning(PaymentEvent.id)).scalar_one_or_none() is None:
                return "repeated"
            known = session.scalars(select(PaymentSubscription).where(PaymentSubscription.subscription == told.subscription)).one_or_none()
            if known is not None and (known.is_ended or known.told_at > told.created):
                return "older"
            if known is None:
                known = PaymentSubscription(subscription=told.subscription)
                session.add(known)
            known.told_at, known.plan, known.is_ended = told.created, told.plan, told.is_ended
            session.flush()
            largest = max(session.scalars(select(PaymentSubscription.plan)), key=list(PlanType).index)
            if organization.plan is not largest:
                plan_changes.give(session, caller, largest, reason="payment")
            return "taken"
    except NoSuchOrganization:
        return "unknown_organization"


def forget(session: Session) -> int:
    """Delete events that nobody delivers any more, in a sweep. What was said of subscriptions stays. Returns how many."""
    old = session.execute(delete(PaymentEvent).where(PaymentEvent.taken_at < func.now() - literal(KEPT)))
    return old.rowcount  # type: ignore[attr-defined, no-any-return]  # a DELETE's result has it
