"""Workflows: messages around bookings, what is due of them, and a log that tells of all of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import SWEEP, let_sweep, protect

revision = "0011_workflows"
down_revision = "0010_calendars"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TRIGGERS = ("BOOKING_CREATED", "BOOKING_RESCHEDULED", "BOOKING_CANCELED", "BEFORE_MEETING", "AFTER_MEETING")
TRIGGER = pg.ENUM(*TRIGGERS, name="scheduling_workflow_trigger", create_type=False)
CHANNEL = pg.ENUM(name="scheduling_notification_channel", create_type=False)
LOG = "scheduling_notification_logs"
TABLES = ("scheduling_workflows", "scheduling_reminders", "scheduling_sending_days")
IS_WAITING = sa.text("queued_at IS NULL")
KINDS = [("status", value) for value in ("PENDING", "SENT", "FAILED", "CANCELED")]
KINDS += [("channel", value) for value in ("EMAIL", "SMS", "WEBHOOK")]
HAS_BODY = sa.text("body IS NOT NULL")


def key() -> tuple[sa.Column[object], ...]:
    organization = sa.ForeignKey("organizations.id", ondelete="CASCADE")
    return sa.Column("organization_id", sa.Uuid(), organization, primary_key=True), sa.Column("id", sa.Uuid(), primary_key=True)


def parent(column: str, table: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete=ondelete)


def upgrade() -> None:
    pg.ENUM(*TRIGGERS, name="scheduling_workflow_trigger").create(op.get_bind())
    _workflows()
    _reminders()
    op.create_table(
        "scheduling_sending_days",
        *key(),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", CHANNEL, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.UniqueConstraint("organization_id", "day", "channel", name="uq_scheduling_sending_days_channel"),
    )
    op.create_index("ix_scheduling_sending_days_day", "scheduling_sending_days", ["day"])
    for table in TABLES:
        protect(op, table)
    let_sweep(op, "scheduling_reminders")
    for table, verbs in (("scheduling_sending_days", ("SELECT", "DELETE")), (LOG, ("SELECT", "UPDATE"))):
        for verb in verbs:
            op.execute(f"CREATE POLICY sweep_{verb.lower()} ON {table} FOR {verb} USING ({SWEEP})")
    _log()


def _workflows() -> None:
    op.create_table(
        "scheduling_workflows",
        *key(),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("event_type_id", sa.Uuid()),
        sa.Column("is_organization_wide", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("trigger", TRIGGER, nullable=False),
        sa.Column("channel", CHANNEL, nullable=False),
        sa.Column("minutes_before", sa.Integer()),
        sa.Column("minutes_after", sa.Integer()),
        sa.Column("recipients", pg.ARRAY(sa.Text()), nullable=False),
        sa.Column("addresses", pg.ARRAY(sa.Text()), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("body", sa.Text()),
        sa.Column("subscription_id", sa.Uuid()),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("effective_from", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("deleted_at", INSTANT),
        parent("event_type_id", "scheduling_event_types"),
        parent("subscription_id", "webhooks_subscriptions", "NO ACTION"),
        sa.CheckConstraint("(trigger = 'BEFORE_MEETING') = (minutes_before IS NOT NULL) AND minutes_before > 0", name="minutes_before"),
        sa.CheckConstraint("(trigger = 'AFTER_MEETING') = (minutes_after IS NOT NULL) AND minutes_after >= 0", name="minutes_after"),
        sa.CheckConstraint("(channel = 'WEBHOOK') = (subscription_id IS NOT NULL)", name="endpoint"),
    )
    for column in ("event_type_id", "user_id"):
        name = f"ix_scheduling_workflows_organization_id_{column}"
        op.create_index(name, "scheduling_workflows", ["organization_id", column, "id"])
    op.create_index(
        "ix_scheduling_workflows_organization_id_subscription_id", "scheduling_workflows", ["organization_id", "subscription_id"]
    )


def _reminders() -> None:
    table = "scheduling_reminders"
    op.create_table(
        table,
        *key(),
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("queued_at", INSTANT),
        parent("workflow_id", "scheduling_workflows"),
        parent("booking_id", "scheduling_bookings"),
        sa.UniqueConstraint("organization_id", "workflow_id", "booking_id", name="uq_scheduling_reminders_workflow_booking"),
    )
    op.create_index(f"ix_{table}_organization_id_booking_id", table, ["organization_id", "booking_id"])
    op.create_index(f"ix_{table}_due_at", table, ["due_at"], postgresql_where=IS_WAITING)
    op.create_index(f"ix_{table}_queued_at", table, ["queued_at"], postgresql_where=sa.text("queued_at IS NOT NULL"))


def _log() -> None:
    """The log tells of workflows too, and can be searched."""
    for value in ("ADDRESS", "ENDPOINT"):
        op.execute(f"ALTER TYPE scheduling_recipient_kind ADD VALUE IF NOT EXISTS '{value}'")
    op.add_column(LOG, sa.Column("workflow_id", sa.Uuid()))
    op.add_column(LOG, sa.Column("event", sa.Text()))
    op.create_foreign_key(
        op.f(f"fk_{LOG}_organization_id_workflow_id"),
        LOG, "scheduling_workflows", ["organization_id", "workflow_id"], ["organization_id", "id"], ondelete="NO ACTION",
    )  # fmt: skip
    op.alter_column(LOG, "booking_id", nullable=True)
    op.alter_column(LOG, "attempted_at", nullable=True)
    op.add_column(LOG, sa.Column("address", sa.Text(), sa.Computed("lower(recipient)", persisted=True), nullable=False))
    for column in ("workflow_id", "address"):
        op.create_index(f"ix_{LOG}_organization_id_{column}", LOG, ["organization_id", column, "id"])
    for column, value in KINDS:
        which = sa.text(f"{column} = '{value}'")
        op.create_index(f"ix_{LOG}_{value.lower()}", LOG, ["organization_id", "id"], postgresql_where=which)
    op.create_index(f"ix_{LOG}_created_at", LOG, ["created_at"], postgresql_where=HAS_BODY)


def downgrade() -> None:
    """What workflows have sent goes; the log of the standard mails stays."""
    op.execute(f"ALTER TABLE {LOG} NO FORCE ROW LEVEL SECURITY")
    op.execute(f"DELETE FROM {LOG} WHERE workflow_id IS NOT NULL OR booking_id IS NULL OR recipient_kind IN ('ADDRESS', 'ENDPOINT')")
    op.execute(f"UPDATE {LOG} SET attempted_at = created_at WHERE attempted_at IS NULL")
    op.execute(f"ALTER TABLE {LOG} FORCE ROW LEVEL SECURITY")
    op.drop_index(f"ix_{LOG}_created_at", LOG)
    for _, value in KINDS:
        op.drop_index(f"ix_{LOG}_{value.lower()}", LOG)
    for column in ("workflow_id", "address"):
        op.drop_index(f"ix_{LOG}_organization_id_{column}", LOG)
    op.drop_column(LOG, "address")
    op.drop_constraint(op.f(f"fk_{LOG}_organization_id_workflow_id"), LOG, type_="foreignkey")
    for column in ("workflow_id", "event"):
        op.drop_column(LOG, column)
    for column in ("booking_id", "attempted_at"):
        op.alter_column(LOG, column, nullable=False)
    for verb in ("select", "update"):
        op.execute(f"DROP POLICY sweep_{verb} ON {LOG}")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DROP TYPE scheduling_workflow_trigger")
    # A value can't be taken out of an enum: another one takes its place.
    op.execute("ALTER TYPE scheduling_recipient_kind RENAME TO scheduling_recipient_kind_wide")
    op.execute("CREATE TYPE scheduling_recipient_kind AS ENUM ('INVITEE', 'HOST')")
    op.execute(
        f"ALTER TABLE {LOG} ALTER COLUMN recipient_kind TYPE scheduling_recipient_kind"
        " USING recipient_kind::text::scheduling_recipient_kind"
    )
    op.execute("DROP TYPE scheduling_recipient_kind_wide")
