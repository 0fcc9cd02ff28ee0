"""Calendar connections: accounts at providers, what their calendars keep busy, and the events that we write into them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import SWEEP, protect

revision = "0010_calendars"
down_revision = "0009_scheduling"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ENUMS = {
    "scheduling_calendar_provider": ("GOOGLE", "MICROSOFT", "APPLE", "CUSTOM"),
    "scheduling_calendar_method": ("OAUTH", "CALDAV", "ICS"),
    "scheduling_calendar_status": ("ACTIVE", "EXPIRED", "ERROR", "DISCONNECTED"),
}
CONNECTIONS, CALENDARS = "scheduling_calendar_connections", "scheduling_connected_calendars"
BUSY, EVENTS = "scheduling_busy_times", "scheduling_calendar_events"
TABLES = (CONNECTIONS, CALENDARS, BUSY, EVENTS)
LIVING = sa.text("deleted_at IS NULL")
# Upkeep finds in these what is due, whose it is, and puts it off. The work is done in the organization's name.
SWEPT = (CONNECTIONS, EVENTS)


def enum(name: str) -> pg.ENUM:
    return pg.ENUM(*ENUMS[name], name=name, create_type=False)


def key() -> tuple[sa.Column[object], ...]:
    organization = sa.ForeignKey("organizations.id", ondelete="CASCADE")
    return sa.Column("organization_id", sa.Uuid(), organization, primary_key=True), sa.Column("id", sa.Uuid(), primary_key=True)


def instants() -> tuple[sa.Column[object], ...]:
    return sa.Column("created_at", INSTANT, nullable=False), sa.Column("updated_at", INSTANT, nullable=False)


def child(column: str, table: str) -> tuple[sa.Column[object], sa.ForeignKeyConstraint]:
    parent = sa.ForeignKeyConstraint(["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete="CASCADE")
    return sa.Column(column, sa.Uuid(), nullable=False), parent


def user() -> sa.Column[object]:
    return sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="RESTRICT"), nullable=False)


def upgrade() -> None:
    for name, values in ENUMS.items():
        pg.ENUM(*values, name=name).create(op.get_bind())
    _connections()
    _calendars()
    _busy_times()
    _events()
    # All records of a chain, by the UID that they share.
    op.create_index("ix_scheduling_bookings_organization_id_calendar_uid", "scheduling_bookings", ["organization_id", "calendar_uid"])
    for table in TABLES:
        protect(op, table)
    for table in SWEPT:
        for verb in ("SELECT", "UPDATE"):
            op.execute(f"CREATE POLICY sweep_{verb.lower()} ON {table} FOR {verb} USING ({SWEEP})")


def _connections() -> None:
    op.create_table(
        CONNECTIONS,
        *key(),
        user(),
        sa.Column("provider", enum("scheduling_calendar_provider"), nullable=False),
        sa.Column("method", enum("scheduling_calendar_method"), nullable=False),
        sa.Column("provider_account_id", sa.Text(), nullable=False),
        sa.Column("account_name", sa.Text(), nullable=False),
        sa.Column("server_url", sa.Text()),
        sa.Column("username", sa.Text()),
        *(sa.Column(name, sa.LargeBinary()) for name in ("secret", "access_token", "refresh_token")),
        sa.Column("expires_at", INSTANT),
        sa.Column("scopes", pg.JSONB(), nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("refreshing_until", INSTANT),
        sa.Column("calendar_id", sa.Text()),
        sa.Column("calendar_name", sa.Text()),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("status", enum("scheduling_calendar_status"), nullable=False),
        sa.Column("error_code", sa.Text()),
        sa.Column("error_message", sa.Text()),
        sa.Column("failing_since", INSTANT),
        sa.Column("failures", sa.SmallInteger(), nullable=False),
        *(sa.Column(name, INSTANT) for name in ("notified_at", "last_sync_at", "next_sync_at", "leased_until")),
        *instants(),
        sa.Column("deleted_at", INSTANT),
    )
    account = ["organization_id", "user_id", "provider", "provider_account_id"]
    op.create_index("uq_scheduling_calendar_connections_account", CONNECTIONS, account, unique=True, postgresql_where=LIVING)
    op.create_index(
        "uq_scheduling_calendar_connections_primary",
        CONNECTIONS,
        ["organization_id", "user_id"],
        unique=True,
        postgresql_where=sa.text("is_primary AND deleted_at IS NULL"),
    )
    op.create_index(f"ix_{CONNECTIONS}_organization_id_user_id", CONNECTIONS, ["organization_id", "user_id", "id"])
    op.create_index(f"ix_{CONNECTIONS}_next_sync_at", CONNECTIONS, ["next_sync_at"], postgresql_where=sa.text("next_sync_at IS NOT NULL"))


def _calendars() -> None:
    op.create_table(
        CALENDARS,
        *key(),
        *child("connection_id", CONNECTIONS),
        sa.Column("calendar_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text()),
        sa.Column("is_writable", sa.Boolean(), nullable=False),
        sa.Column("is_busy", sa.Boolean(), nullable=False),
        sa.Column("sync_token", sa.Text()),
        sa.Column("synced_from", INSTANT),
        sa.Column("synced_until", INSTANT),
        sa.Column("channel_id", sa.Text()),
        sa.Column("resource_id", sa.Text()),
        sa.Column("watched_until", INSTANT),
        *instants(),
        sa.UniqueConstraint("organization_id", "connection_id", "calendar_id"),
    )


def _busy_times() -> None:
    op.create_table(
        BUSY,
        *key(),
        *child("connection_id", CONNECTIONS),
        *child("connected_calendar_id", CALENDARS),
        user(),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("during", pg.TSTZRANGE(), nullable=False),
        sa.CheckConstraint("NOT isempty(during)", name="during"),
    )
    by_host = ["organization_id", "user_id", "during"]
    op.create_index(f"ix_{BUSY}_organization_id_user_id_during", BUSY, by_host, postgresql_using="gist")
    op.create_index(f"ix_{BUSY}_organization_id_connection_id", BUSY, ["organization_id", "connection_id"])
    by_event = ["organization_id", "connected_calendar_id", "event_id"]
    op.create_index(f"ix_{BUSY}_organization_id_connected_calendar_id", BUSY, by_event)


def _events() -> None:
    op.create_table(
        EVENTS,
        *key(),
        *child("connection_id", CONNECTIONS),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        *child("booking_id", "scheduling_bookings"),
        sa.Column("calendar_id", sa.Text(), nullable=False),
        sa.Column("provider_event_id", sa.Text()),
        sa.Column("written", sa.Text()),
        sa.Column("due_at", INSTANT),
        sa.Column("leased_until", INSTANT),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("error_code", sa.Text()),
        *instants(),
        sa.UniqueConstraint("organization_id", "connection_id", "subject_id", name="uq_scheduling_calendar_events_subject"),
    )
    op.create_index(f"ix_{EVENTS}_organization_id_subject_id", EVENTS, ["organization_id", "subject_id"])
    op.create_index(f"ix_{EVENTS}_organization_id_booking_id", EVENTS, ["organization_id", "booking_id"])
    op.create_index(f"ix_{EVENTS}_due_at", EVENTS, ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("ix_scheduling_bookings_organization_id_calendar_uid", "scheduling_bookings")
    for table in reversed(TABLES):
        op.drop_table(table)
    for name in ENUMS:
        op.execute(f"DROP TYPE {name}")
