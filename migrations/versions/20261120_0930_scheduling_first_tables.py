"""The first tables of scheduling."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import protect

revision = "0002_scheduling"
down_revision = "0001_kernel"
branch_labels = None
depends_on = None

ENUMS = {
    "scheduling_day_of_week": ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"),
    "scheduling_override_type": ("AVAILABLE", "UNAVAILABLE"),
    "scheduling_event_type_kind": ("ONE_ON_ONE", "GROUP", "COLLECTIVE", "ROUND_ROBIN"),
    "scheduling_location_type": ("PHONE", "IN_PERSON", "ZOOM", "GOOGLE_MEET", "MICROSOFT_TEAMS", "CUSTOM", "ROOM"),
    "scheduling_question_type": ("SHORT_TEXT", "LONG_TEXT", "SINGLE_SELECT", "MULTI_SELECT", "PHONE", "EMAIL", "NUMBER"),
    "scheduling_booking_status": ("PENDING", "CONFIRMED", "RESCHEDULED", "CANCELED", "NO_SHOW", "COMPLETED"),
    "scheduling_canceled_by": ("HOST", "INVITEE"),
    "scheduling_notification_channel": ("EMAIL", "SMS", "WEBHOOK"),
    "scheduling_notification_status": ("PENDING", "SENT", "FAILED", "CANCELED"),
    "scheduling_recipient_kind": ("INVITEE", "HOST"),
}
TABLES = (
    "scheduling_schedules",
    "scheduling_slots",
    "scheduling_overrides",
    "scheduling_event_types",
    "scheduling_questions",
    "scheduling_invitees",
    "scheduling_bookings",
    "scheduling_answers",
    "scheduling_notification_logs",
)
INSTANT = sa.DateTime(timezone=True)
START_TIME = "start_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'"
END_TIME = "end_time ~ '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$'"


def enum(name: str) -> pg.ENUM:
    return pg.ENUM(*ENUMS[name], name=name, create_type=False)


def key() -> tuple[sa.Column[object], ...]:
    organization = sa.ForeignKey("organizations.id", ondelete="CASCADE")
    return sa.Column("organization_id", sa.Uuid(), organization, primary_key=True), sa.Column("id", sa.Uuid(), primary_key=True)


def parent(column: str, table: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete=ondelete)


def user(column: str) -> sa.Column[object]:
    return sa.Column(column, sa.Uuid(), sa.ForeignKey("users.id", ondelete="RESTRICT"), nullable=False)


def timestamps() -> tuple[sa.Column[object], ...]:
    return sa.Column("created_at", INSTANT, nullable=False), sa.Column("updated_at", INSTANT, nullable=False)


def upgrade() -> None:
    for name, values in ENUMS.items():
        pg.ENUM(*values, name=name).create(op.get_bind())
    _hours()
    _event_types()
    _bookings()
    for table in TABLES:
        protect(op, table)


def _hours() -> None:
    op.create_table(
        "scheduling_schedules",
        *key(),
        user("user_id"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        *timestamps(),
        sa.Column("deleted_at", INSTANT),
    )
    op.create_index("ix_scheduling_schedules_organization_id_user_id", "scheduling_schedules", ["organization_id", "user_id", "id"])
    op.create_index(
        "uq_scheduling_schedules_default",
        "scheduling_schedules",
        ["organization_id", "user_id"],
        unique=True,
        postgresql_where=sa.text("is_default AND deleted_at IS NULL"),
    )
    op.create_table(
        "scheduling_slots",
        *key(),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("day_of_week", enum("scheduling_day_of_week"), nullable=False),
        sa.Column("start_time", sa.Text(), nullable=False),
        sa.Column("end_time", sa.Text(), nullable=False),
        parent("schedule_id", "scheduling_schedules", "CASCADE"),
        sa.CheckConstraint(START_TIME, name="start_time"),
        sa.CheckConstraint(END_TIME, name="end_time"),
    )
    op.create_index("ix_scheduling_slots_organization_id_schedule_id", "scheduling_slots", ["organization_id", "schedule_id"])
    op.create_table(
        "scheduling_overrides",
        *key(),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("type", enum("scheduling_override_type"), nullable=False),
        sa.Column("start_time", sa.Text()),
        sa.Column("end_time", sa.Text()),
        sa.Column("reason", sa.Text()),
        parent("schedule_id", "scheduling_schedules", "CASCADE"),
        sa.CheckConstraint(START_TIME, name="start_time"),
        sa.CheckConstraint(END_TIME, name="end_time"),
        sa.CheckConstraint("(start_time IS NULL) = (end_time IS NULL)", name="both_times_or_none"),
    )
    op.create_index(
        "ix_scheduling_overrides_organization_id_schedule_id_date", "scheduling_overrides", ["organization_id", "schedule_id", "date"]
    )


def _event_types() -> None:
    op.create_table(
        "scheduling_event_types",
        *key(),
        user("user_id"),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("kind", enum("scheduling_event_type_kind"), nullable=False),
        sa.Column("duration", sa.Integer(), nullable=False),
        sa.Column("slot_interval", sa.Integer()),
        sa.Column("buffer_before", sa.Integer(), nullable=False),
        sa.Column("buffer_after", sa.Integer(), nullable=False),
        sa.Column("min_notice", sa.Integer(), nullable=False),
        sa.Column("max_bookings_per_day", sa.Integer()),
        sa.Column("max_bookings_per_week", sa.Integer()),
        sa.Column("location_type", enum("scheduling_location_type"), nullable=False),
        sa.Column("location_value", sa.Text()),
        sa.Column("capacity", sa.Integer()),
        sa.Column("min_capacity", sa.Integer()),
        sa.Column("color", sa.Text()),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        *timestamps(),
        sa.Column("deleted_at", INSTANT),
        parent("schedule_id", "scheduling_schedules", "NO ACTION"),
        sa.CheckConstraint("duration > 0 AND (slot_interval IS NULL OR slot_interval > 0)", name="lengths"),
        sa.CheckConstraint("buffer_before >= 0 AND buffer_after >= 0 AND min_notice >= 0", name="buffers"),
    )
    op.create_index("ix_scheduling_event_types_organization_id_user_id", "scheduling_event_types", ["organization_id", "user_id", "id"])
    op.create_index("ix_scheduling_event_types_organization_id_schedule_id", "scheduling_event_types", ["organization_id", "schedule_id"])
    op.create_index(
        "uq_scheduling_event_types_slug",
        "scheduling_event_types",
        ["organization_id", "user_id", "slug"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "scheduling_questions",
        *key(),
        sa.Column("event_type_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("type", enum("scheduling_question_type"), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("placeholder", sa.Text()),
        sa.Column("options", pg.ARRAY(sa.Text()), nullable=False),
        parent("event_type_id", "scheduling_event_types", "CASCADE"),
    )
    op.create_index(
        "ix_scheduling_questions_organization_id_event_type_id", "scheduling_questions", ["organization_id", "event_type_id", "position"]
    )


def _bookings() -> None:
    op.create_table(
        "scheduling_invitees",
        *key(),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text()),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text()),
        sa.Column("utm_source", sa.Text()),
        sa.Column("utm_medium", sa.Text()),
        sa.Column("utm_campaign", sa.Text()),
        sa.Column("referrer", sa.Text()),
    )
    op.create_index("ix_scheduling_invitees_organization_id_email", "scheduling_invitees", ["organization_id", "email"])
    op.create_table(
        "scheduling_bookings",
        *key(),
        sa.Column("event_type_id", sa.Uuid(), nullable=False),
        user("host_id"),
        sa.Column("invitee_id", sa.Uuid(), nullable=False),
        sa.Column("rescheduled_from_id", sa.Uuid()),
        sa.Column("status", enum("scheduling_booking_status"), nullable=False),
        sa.Column("start_time", INSTANT, nullable=False),
        sa.Column("end_time", INSTANT, nullable=False),
        sa.Column("held", pg.TSTZRANGE(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("location", sa.Text()),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("management_token_hash", sa.Text(), nullable=False),
        sa.Column("canceled_at", INSTANT),
        sa.Column("cancel_reason", sa.Text()),
        sa.Column("canceled_by", enum("scheduling_canceled_by")),
        sa.Column("no_show_marked_at", INSTANT),
        sa.Column("calendar_event_id", sa.Text()),
        *timestamps(),
        parent("event_type_id", "scheduling_event_types", "NO ACTION"),
        parent("invitee_id", "scheduling_invitees", "NO ACTION"),
        parent("rescheduled_from_id", "scheduling_bookings", "NO ACTION"),
        pg.ExcludeConstraint(
            ("organization_id", "="),
            ("host_id", "="),
            ("held", "&&"),
            where=sa.text("status IN ('PENDING', 'CONFIRMED', 'NO_SHOW', 'COMPLETED')"),
            using="gist",
            name="ex_scheduling_bookings_host_time",
        ),
        sa.UniqueConstraint("organization_id", "management_token_hash"),
        sa.CheckConstraint("start_time < end_time AND held @> tstzrange(start_time, end_time)", name="held_time"),
    )
    for columns in (("start_time", "id"), ("host_id", "start_time", "id"), ("event_type_id", "start_time", "id")):
        name = "_".join(("ix_scheduling_bookings_organization_id", *columns[:-1]))
        op.create_index(name, "scheduling_bookings", ["organization_id", *columns])
    for column in ("invitee_id", "rescheduled_from_id"):
        op.create_index(f"ix_scheduling_bookings_organization_id_{column}", "scheduling_bookings", ["organization_id", column])
    op.create_table(
        "scheduling_answers",
        *key(),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("question_id", sa.Uuid(), nullable=False),
        sa.Column("value", pg.JSONB(), nullable=False),
        parent("booking_id", "scheduling_bookings", "CASCADE"),
        parent("question_id", "scheduling_questions", "NO ACTION"),
        sa.UniqueConstraint("organization_id", "booking_id", "question_id"),
    )
    op.create_index("ix_scheduling_answers_organization_id_question_id", "scheduling_answers", ["organization_id", "question_id"])
    op.create_table(
        "scheduling_notification_logs",
        *key(),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_kind", enum("scheduling_recipient_kind"), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("channel", enum("scheduling_notification_channel"), nullable=False),
        sa.Column("status", enum("scheduling_notification_status"), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("body", sa.Text()),
        sa.Column("attempted_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.Column("failed_at", INSTANT),
        sa.Column("error_message", sa.Text()),
        *timestamps(),
        parent("booking_id", "scheduling_bookings", "CASCADE"),
        sa.UniqueConstraint("organization_id", "event_id", "recipient_kind", name="uq_scheduling_notification_logs_event_recipient"),
    )
    op.create_index(
        "ix_scheduling_notification_logs_organization_id_booking_id", "scheduling_notification_logs", ["organization_id", "booking_id"]
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for name in ENUMS:
        op.execute(f"DROP TYPE {name}")
