"""Providers that push are asked to tell of changes, and asked again before they stop. Whatever they do, the sweep's rhythm remains."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from parley.calendar_providers.provider_protocol import (
    Account,
    EmptyResult,
    OAuthAccount,
    ProviderError,
    ProviderErrorCode,
    StopWatching,
    Watch,
    WatchResult,
)
from parley.kernel.access.callers import Caller
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.clock import now
from parley.scheduling.calendar_connections.provider_calls import ask
from parley.scheduling.calendars.push_channels import PushChannel
from parley.scheduling.tables.calendar_models import ConnectedCalendar

log = logging.getLogger(__name__)
_SECONDS = 8.0
_AT_ONCE = 5

BEFORE = timedelta(hours=24)
"""How long before its end a watch is renewed: Microsoft's lasts not quite three days, Google's seven."""
NOT_BEFORE = {ProviderErrorCode.REFUSED: timedelta(days=1), ProviderErrorCode.NOT_FOUND: timedelta(days=1)}
"""How long a provider that does not watch a calendar is left in peace with it: an hour, unless it never will."""


@dataclass(frozen=True, slots=True)
class PushSubscription:
    """A calendar, and how it is watched. Without `channel_id`, `until` is when it is worth asking again."""

    id: UUID
    calendar_id: str
    channel_id: str | None
    resource_id: str | None
    until: datetime | None


def due(calendars: Sequence[PushSubscription]) -> list[PushSubscription]:
    """Those to be asked for now."""
    soon = now() + BEFORE
    return [
        subscription
        for subscription in calendars
        if subscription.until is None or subscription.until <= (soon if subscription.channel_id else now())
    ]


def keep_subscriptions(caller: Caller, connection_id: UUID, account: Account) -> None:
    """Have the calendars of a connection watched that count and are due for it. For who holds the connection's lease."""
    if not isinstance(account, OAuthAccount):
        return
    with transaction(caller) as session:
        connected_calendar = ConnectedCalendar
        columns = select(
            connected_calendar.id,
            connected_calendar.calendar_id,
            connected_calendar.channel_id,
            connected_calendar.resource_id,
            connected_calendar.watched_until,
        )
        subscriptions = [
            PushSubscription(*row)
            for row in session.execute(columns.where(connected_calendar.connection_id == connection_id, connected_calendar.is_busy))
        ]
    for calendar in due(subscriptions)[:_AT_ONCE]:
        made = renew_subscription(account, caller.organization_id, calendar)
        values = {"channel_id": made.channel_id, "resource_id": made.resource_id, "watched_until": made.until}
        with transaction(caller) as session:
            session.execute(update(ConnectedCalendar).where(ConnectedCalendar.id == made.id).values(values))


def renew_subscription(account: OAuthAccount, organization_id: UUID, calendar: PushSubscription) -> PushSubscription:
    """How the calendar is watched from now on. The former channel is closed after the new one is open: what comes twice is synced once.

    Whatever fails, polling does the work.
    """
    channel = PushChannel.new(organization_id, calendar.id)
    wanted = Watch(
        calendar_id=calendar.calendar_id,
        channel_id=channel.name,
        token=channel.secret,
        address=channel.address(account.provider.value),
    )
    try:
        made = ask(account, wanted, WatchResult, _SECONDS)
    except ProviderError as met:
        log.info("a calendar can't be watched: %s", met.code.value)
        if calendar.channel_id is not None and calendar.until is not None and calendar.until > now():
            return calendar
        return PushSubscription(calendar.id, calendar.calendar_id, None, None, now() + NOT_BEFORE.get(met.code, timedelta(hours=1)))
    if calendar.channel_id is not None and calendar.resource_id is not None:
        try:
            ask(account, StopWatching(channel_id=calendar.channel_id, resource_id=calendar.resource_id), EmptyResult, _SECONDS)
        except ProviderError as met:  # it ends by itself
            log.info("a channel could not be closed: %s", met.code.value)
    return PushSubscription(calendar.id, calendar.calendar_id, made.channel_id, made.resource_id, made.expires_at)
