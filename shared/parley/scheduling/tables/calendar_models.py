"""Tables of calendar connections: who may be asked, for which calendars, what they keep busy, and what we wrote into them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from parley.kernel.persistence.base_models import Base, SoftDeleted, Swept, Tenant, Timestamps, native_enum, tenant_key
from parley.kernel.persistence.column_encryption import Sealed, SealedText

ONE_ACCOUNT = "uq_scheduling_calendar_connections_account"
ONE_PRIMARY = "uq_scheduling_calendar_connections_primary"
ONE_EVENT = "uq_scheduling_calendar_events_subject"


class CalendarProvider(StrEnum):
    """APPLE is CalDAV at Apple's, CUSTOM is CalDAV or an ICS address anywhere."""

    GOOGLE = "GOOGLE"
    MICROSOFT = "MICROSOFT"
    APPLE = "APPLE"
    CUSTOM = "CUSTOM"


class CalendarMethod(StrEnum):
    OAUTH = "OAUTH"
    CALDAV = "CALDAV"
    ICS = "ICS"


class CalendarStatus(StrEnum):
    """EXPIRED: has to be connected again. ERROR: is tried again at `next_sync_at`. DISCONNECTED: its owner took it away."""

    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    ERROR = "ERROR"
    DISCONNECTED = "DISCONNECTED"


class CalendarConnection(Tenant, Swept, Timestamps, SoftDeleted, Base):
    """A person's account at a provider. `calendar_id` is the calendar that bookings are written to, where it is the primary one.

    `secret` is a password (CALDAV) or the address itself (ICS). `token_version` rises with every new access token; `refreshing_until` is
    the lease of who fetches one. `next_sync_at` is when a sweep looks at it, `leased_until` until when somebody does.
    `notified_at` is when its owner was told that it fails. A deleted connection has lost its secrets.
    """

    __tablename__ = "scheduling_calendar_connections"
    __table_args__ = (
        Index(
            ONE_ACCOUNT,
            "organization_id",
            "user_id",
            "provider",
            "provider_account_id",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(ONE_PRIMARY, "organization_id", "user_id", unique=True, postgresql_where=text("is_primary AND deleted_at IS NULL")),
        Index("ix_scheduling_calendar_connections_organization_id_user_id", "organization_id", "user_id", "id"),
        Index("ix_scheduling_calendar_connections_next_sync_at", "next_sync_at", postgresql_where=text("next_sync_at IS NOT NULL")),
    )

    user_id: Mapped[UUID]
    provider: Mapped[CalendarProvider] = mapped_column(native_enum(CalendarProvider, "scheduling_calendar_provider"))
    method: Mapped[CalendarMethod] = mapped_column(native_enum(CalendarMethod, "scheduling_calendar_method"))
    provider_account_id: Mapped[str]
    account_name: Mapped[str]
    server_url: Mapped[str | None]
    username: Mapped[str | None]
    secret: Mapped[Sealed | None] = mapped_column(SealedText, default=None)
    access_token: Mapped[Sealed | None] = mapped_column(SealedText, default=None)
    refresh_token: Mapped[Sealed | None] = mapped_column(SealedText, default=None)
    expires_at: Mapped[datetime | None]
    scopes: Mapped[list[str]] = mapped_column(default=[])
    token_version: Mapped[int] = mapped_column(default=0)
    refreshing_until: Mapped[datetime | None]
    calendar_id: Mapped[str | None]
    calendar_name: Mapped[str | None]
    is_primary: Mapped[bool] = mapped_column(default=False)
    status: Mapped[CalendarStatus] = mapped_column(native_enum(CalendarStatus, "scheduling_calendar_status"), default=CalendarStatus.ACTIVE)
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    failing_since: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(SmallInteger, default=0)
    notified_at: Mapped[datetime | None]
    last_sync_at: Mapped[datetime | None]
    next_sync_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    unclear_events: Mapped[int] = mapped_column(default=0, server_default="0")


class ConnectedCalendar(Tenant, Timestamps, Base):
    """One calendar of a connection. `is_busy`: what lies in it keeps its owner's time. Known to lie in `[synced_from, synced_until)`.
    `unclear_event_ids` are of events that could not be read, or not whole.

    The columns of the watch are for providers that push: `channel_id` names the channel, `resource_id` what it is about.
    """

    __tablename__ = "scheduling_connected_calendars"
    __table_args__ = (
        tenant_key("connection_id", "scheduling_calendar_connections"),
        UniqueConstraint("organization_id", "connection_id", "calendar_id"),
    )

    connection_id: Mapped[UUID]
    calendar_id: Mapped[str]
    name: Mapped[str]
    timezone: Mapped[str | None]
    is_writable: Mapped[bool] = mapped_column(default=False)
    is_busy: Mapped[bool] = mapped_column(default=True)
    sync_token: Mapped[str | None]
    synced_from: Mapped[datetime | None]
    synced_until: Mapped[datetime | None]
    channel_id: Mapped[str | None]
    resource_id: Mapped[str | None]
    watched_until: Mapped[datetime | None]
    unclear_event_ids: Mapped[list[str]] = mapped_column(default=[], server_default="[]")

    @property
    def unclear_events(self) -> int:
        return len(self.unclear_event_ids)


class BusyTime(Tenant, Base):
    """When an event of a connected calendar keeps its owner busy. Of the event nothing else is kept."""

    __tablename__ = "scheduling_busy_times"
    __table_args__ = (
        tenant_key("connection_id", "scheduling_calendar_connections"),
        tenant_key("connected_calendar_id", "scheduling_connected_calendars"),
        Index("ix_scheduling_busy_times_organization_id_user_id_during", "organization_id", "user_id", "during", postgresql_using="gist"),
        Index("ix_scheduling_busy_times_organization_id_connection_id", "organization_id", "connection_id"),
        Index("ix_scheduling_busy_times_organization_id_connected_calendar_id", "organization_id", "connected_calendar_id", "event_id"),
        CheckConstraint("NOT isempty(during)", name="during"),
    )

    connection_id: Mapped[UUID]
    connected_calendar_id: Mapped[UUID]
    user_id: Mapped[UUID]
    event_id: Mapped[str]
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)


class CalendarEvent(Tenant, Swept, Timestamps, Base):
    """An event that we wrote, or are to write, into somebody's calendar: one for a chain of bookings, or for a session of a GROUP.

    `subject_id` is the chain's `calendar_uid`, or the session's id; `booking_id` one booking of it, by which the others are found.
    `written` is the digest of what the calendar has, None before the first time, empty when nobody knows. `due_at` is when it is to be
    looked at again, None when there is nothing to do; `leased_until` until when somebody does.
    """

    __tablename__ = "scheduling_calendar_events"
    __table_args__ = (
        tenant_key("connection_id", "scheduling_calendar_connections"),
        tenant_key("booking_id", "scheduling_bookings"),
        UniqueConstraint("organization_id", "connection_id", "subject_id", name=ONE_EVENT),
        Index("ix_scheduling_calendar_events_organization_id_booking_id", "organization_id", "booking_id"),
        Index("ix_scheduling_calendar_events_organization_id_subject_id", "organization_id", "subject_id"),
        Index("ix_scheduling_calendar_events_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    connection_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    booking_id: Mapped[UUID]
    calendar_id: Mapped[str]
    provider_event_id: Mapped[str | None]
    written: Mapped[str | None]
    due_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    error_code: Mapped[str | None]
