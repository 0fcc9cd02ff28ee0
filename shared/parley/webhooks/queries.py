"""What webhooks read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, false, func, or_, select, true
from sqlalchemy.orm import Session, defer

from parley.identity.members import member_profiles
from parley.identity.models import MemberRole, Organization, OrganizationMember, User
from parley.identity.roles import member_rights
from parley.kernel.persistence.sweep_retries import Due
from parley.kernel.values.clock import now
from parley.webhooks.declared import WebhookType
from parley.webhooks.models import DeliveryStatus, WebhookDelivery, WebhookSubscription

WRITE = "webhooks:write"
OPEN = (DeliveryStatus.PENDING, DeliveryStatus.RETRYING)
_BULKY = (WebhookDelivery.payload, WebhookDelivery.response_body, WebhookDelivery.request_headers, WebhookDelivery.attempts)


def subscriptions() -> Select[WebhookSubscription]:
    return select(WebhookSubscription)


def subscription(session: Session, subscription_id: UUID, *, to_change: bool = False) -> WebhookSubscription | None:
    """`to_change` locks it; deliveries can be added meanwhile by who has it already."""
    query = select(WebhookSubscription).where(WebhookSubscription.id == subscription_id)
    if to_change:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def listeners(session: Session) -> Sequence[Any]:
    """Id, events and whether events are sent, of every subscription. Who disables or enables one waits until the deliveries are written."""
    is_open = WebhookSubscription.is_active & WebhookSubscription.verified_at.is_not(None)
    columns = (WebhookSubscription.id, WebhookSubscription.events, is_open.label("is_open"))
    return session.execute(select(*columns).with_for_update(read=True)).all()


def has_maker(session: Session, row: WebhookSubscription) -> bool:
    """Whether somebody answers for a subscription now. One query."""
    return bool(session.scalar(select(_has_maker(row))))


def _has_maker(row: WebhookSubscription) -> ColumnElement[bool]:
    return member_rights.holds(row.maker_id, WRITE, since=row.maker_since)


def subscribed_urls(session: Session) -> Sequence[str]:
    """Of every subscription of the organization, which is locked: who adds one waits for the others."""
    organization_id = session.info["caller"].organization_id
    session.execute(select(Organization.id).where(Organization.id == organization_id).with_for_update(key_share=True))
    return session.scalars(select(WebhookSubscription.url)).all()


def deliveries(subscription_id: UUID | None, status: DeliveryStatus | None, event: str | None) -> Select[WebhookDelivery]:
    """Deliveries that fit, without what makes them long; None asks for nothing."""
    wanted = select(WebhookDelivery).options(*(defer(column) for column in _BULKY))
    for column, value in (
        (WebhookDelivery.subscription_id, subscription_id),
        (WebhookDelivery.status, status),
        (WebhookDelivery.event, event),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    return wanted


def delivery(session: Session, delivery_id: UUID) -> WebhookDelivery | None:
    return session.scalars(select(WebhookDelivery).where(WebhookDelivery.id == delivery_id)).one_or_none()


def in_flight(session: Session, row: WebhookSubscription, at: datetime) -> tuple[int, bool]:
    """How many attempts are being made, and whether somebody answers for the subscription now. One query."""
    running = (WebhookDelivery.attempt_id.is_not(None)) & (WebhookDelivery.next_retry_at > at)
    counted = select(func.count()).select_from(WebhookDelivery).where(WebhookDelivery.subscription_id == row.id, running)
    count, has_maker = session.execute(select(counted.scalar_subquery(), _has_maker(row))).one()
    return count, has_maker


def due(session: Session, row: WebhookSubscription, at: datetime, most: int) -> Sequence[WebhookDelivery]:
    """What may be attempted now, longest due first; of a disabled subscription, or one under load, tests alone; before the address has
    agreed, the challenge alone.

    A deleted organization sends nothing: what waits goes out when it is restored.
    """
    is_open = row.is_active and (row.paused_until is None or row.paused_until <= at)
    condition: ColumnElement[bool] = true() if is_open else WebhookDelivery.event == WebhookType.PING
    if row.verified_at is None:
        condition = WebhookDelivery.event == WebhookType.CHALLENGE if row.is_active else false()
    waiting = select(WebhookDelivery).where(
        WebhookDelivery.subscription_id == row.id,
        WebhookDelivery.next_retry_at <= at,
        WebhookDelivery.payload.is_not(None),
        condition,
        exists().where(Organization.id == WebhookDelivery.organization_id),
    )
    return session.scalars(waiting.order_by(WebhookDelivery.next_retry_at, WebhookDelivery.id).limit(most)).all()


def due_subscriptions(session: Session, at: datetime, most: int) -> Sequence[Any]:
    """Organization and id of subscriptions that something is due for, in a sweep."""
    return session.execute(_with_due(at).limit(most)).all()


def waiting_subscriptions() -> Due:
    """The same for now, as a sweep takes them up."""
    return _with_due(now())


def _with_due(at: datetime) -> Due:
    """Chosen by lot where there are more: for some, something is always due, and they would keep the others from ever being chosen."""
    columns = (WebhookDelivery.organization_id, WebhookDelivery.subscription_id)
    return select(*columns).where(WebhookDelivery.next_retry_at <= at).group_by(*columns).order_by(func.random())


def webhook_administrators(session: Session) -> Sequence[tuple[str | None, str]]:
    """Addresses and locales of owner and administrators: who hears of an endpoint that fails."""
    member = OrganizationMember
    is_keeper = or_(member.role == MemberRole.OWNER, member.role == MemberRole.ADMIN)
    joined = (
        select(member_profiles.member_email(), User.locale)
        .select_from(User)
        .join(member, member.user_id == User.id)
        .where(is_keeper, member.deactivated_at.is_(None))
    )
    return [(email, locale) for email, locale in session.execute(joined.order_by(User.id))]
