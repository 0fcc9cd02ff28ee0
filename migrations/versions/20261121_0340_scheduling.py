"""Scheduling, whole: every kind of event type, one row for each host that a booking holds, holds, links by name.

What a booking holds of its host's time moves from the booking into a row of its own, and the exclusion constraint with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import SWEEP, protect

revision = "0009_scheduling"
down_revision = "0008_webhooks"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
HOLDING = sa.text("status IN ('PENDING', 'CONFIRMED', 'NO_SHOW', 'COMPLETED')")
TO_ERASE = sa.text("erasure_wanted_at IS NOT NULL")
STATUSES = ("PENDING", "CONFIRMED", "RESCHEDULED", "CANCELED", "NO_SHOW", "COMPLETED")
STANDING = sa.text("status IN ('PENDING', 'CONFIRMED')")
STATUS = pg.ENUM(name="scheduling_booking_status", create_type=False)
STRATEGIES = ("ROTATE", "WEIGHTED", "LEAST_RECENT", "PRIORITY")
STRATEGY = pg.ENUM(*STRATEGIES, name="scheduling_assignment_strategy", create_type=False)
TABLES = (
    "scheduling_round_robin_pools",
    "scheduling_round_robin_assignments",
    "scheduling_event_type_hosts",
    "scheduling_booking_hosts",
    "scheduling_holds",
)
NOTICES = "uq_scheduling_notification_logs_event_recipient"
OLD_OVERLAP = "ex_scheduling_bookings_host_time"


def key() -> tuple[sa.Column[object], ...]:
    organization = sa.ForeignKey("organizations.id", ondelete="CASCADE")
    return sa.Column("organization_id", sa.Uuid(), organization, primary_key=True), sa.Column("id", sa.Uuid(), primary_key=True)


def user(column: str) -> sa.Column[object]:
    return sa.Column(column, sa.Uuid(), sa.ForeignKey("users.id", ondelete="RESTRICT"), nullable=False)


def parent(column: str, table: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete=ondelete)


def instants() -> tuple[sa.Column[object], ...]:
    return sa.Column("created_at", INSTANT, nullable=False), sa.Column("updated_at", INSTANT, nullable=False)


def index(table: str, *columns: str, named: int | None = None) -> None:
    op.create_index("_".join(("ix", table, "organization_id", *columns[:named])), table, ["organization_id", *columns])


@contextmanager
def every_row(*tables: str) -> Iterator[None]:
    """The owner's policy shows no row of a tenant: data move while it is not forced on the owner, in this transaction alone."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    for table in tables:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def upgrade() -> None:
    pg.ENUM(*STRATEGIES, name="scheduling_assignment_strategy").create(op.get_bind())
    _hosts()
    _bookings()
    _booking_hosts()
    _holds()
    for table in TABLES:
        protect(op, table)
    # Upkeep finds what is over, and whose it is. It changes bookings in their organization's name; holds it deletes.
    for table in ("scheduling_bookings", "scheduling_invitees"):
        op.execute(f"CREATE POLICY sweep_select ON {table} FOR SELECT USING ({SWEEP})")
    for verb in ("SELECT", "DELETE"):
        op.execute(f"CREATE POLICY sweep_{verb.lower()} ON scheduling_holds FOR {verb} USING ({SWEEP})")
    op.drop_constraint(NOTICES, "scheduling_notification_logs", type_="unique")
    op.create_unique_constraint(NOTICES, "scheduling_notification_logs", ["organization_id", "event_id", "recipient_kind", "recipient"])
    op.drop_index("ix_scheduling_invitees_organization_id_email", "scheduling_invitees")
    op.add_column("scheduling_invitees", sa.Column("address", sa.Text(), sa.Computed("lower(email)", persisted=True), nullable=False))
    index("scheduling_invitees", "address", "id", named=1)
    for column in ("erasure_wanted_at", "erased_at"):
        op.add_column("scheduling_invitees", sa.Column(column, INSTANT))
    op.create_index("ix_scheduling_invitees_erasure_wanted", "scheduling_invitees", ["organization_id", "id"], postgresql_where=TO_ERASE)
    _links()


def _hosts() -> None:
    op.create_table(
        "scheduling_round_robin_pools",
        *key(),
        sa.Column("team_id", sa.Uuid()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("strategy", STRATEGY, nullable=False),
        *instants(),
        sa.Column("deleted_at", INSTANT),
        parent("team_id", "teams", "NO ACTION"),
    )
    index("scheduling_round_robin_pools", "team_id")
    op.create_table(
        "scheduling_round_robin_assignments",
        *key(),
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        user("user_id"),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("assignment_count", sa.Integer(), nullable=False),
        sa.Column("last_assigned_at", INSTANT),
        *instants(),
        parent("pool_id", "scheduling_round_robin_pools"),
        sa.UniqueConstraint("organization_id", "pool_id", "user_id", name="uq_scheduling_round_robin_assignments_user"),
        sa.CheckConstraint("weight >= 0 AND assignment_count >= 0", name="counts"),
    )
    index("scheduling_round_robin_assignments", "user_id")
    op.add_column("scheduling_questions", sa.Column("deleted_at", INSTANT))
    for name in ("team_id", "pool_id"):
        op.add_column("scheduling_event_types", sa.Column(name, sa.Uuid()))
    op.add_column("scheduling_event_types", sa.Column("requires_confirmation", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("scheduling_event_types", "requires_confirmation", server_default=None)
    for column, table in (("team_id", "teams"), ("pool_id", "scheduling_round_robin_pools")):
        op.create_foreign_key(
            op.f(f"fk_scheduling_event_types_organization_id_{column}"),
            "scheduling_event_types", table, ["organization_id", column], ["organization_id", "id"], ondelete="NO ACTION",
        )  # fmt: skip
    for name, condition in (
        ("capacity", "(kind = 'GROUP') = (capacity IS NOT NULL) AND capacity > 0"),
        ("min_capacity", "min_capacity BETWEEN 1 AND capacity"),
        ("pool", "(kind = 'ROUND_ROBIN') = (pool_id IS NOT NULL)"),
    ):
        op.create_check_constraint(op.f(f"ck_scheduling_event_types_{name}"), "scheduling_event_types", condition)
    index("scheduling_event_types", "pool_id")
    index("scheduling_event_types", "team_id", "id", named=1)
    index("scheduling_event_types", "slug", "id", named=1)
    op.create_table(
        "scheduling_event_type_hosts",
        *key(),
        sa.Column("event_type_id", sa.Uuid(), nullable=False),
        user("user_id"),
        sa.Column("schedule_id", sa.Uuid()),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        parent("event_type_id", "scheduling_event_types"),
        parent("schedule_id", "scheduling_schedules", "NO ACTION"),
        sa.UniqueConstraint("organization_id", "event_type_id", "user_id"),
    )
    index("scheduling_event_type_hosts", "user_id")
    index("scheduling_event_type_hosts", "schedule_id")


def _bookings() -> None:
    for column in ("confirmed_at", "completed_at"):
        op.add_column("scheduling_bookings", sa.Column(column, INSTANT))
    for column in ("calendar_uid", "pool_id"):
        op.add_column("scheduling_bookings", sa.Column(column, sa.Uuid()))
    op.create_foreign_key(
        op.f("fk_scheduling_bookings_organization_id_pool_id"),
        "scheduling_bookings",
        "scheduling_round_robin_pools",
        ["organization_id", "pool_id"],
        ["organization_id", "id"],
        ondelete="NO ACTION",
    )
    index("scheduling_bookings", "pool_id")
    with every_row("scheduling_bookings"):
        op.execute("UPDATE scheduling_bookings SET calendar_uid = id, confirmed_at = CASE WHEN status <> 'PENDING' THEN created_at END")
    op.alter_column("scheduling_bookings", "calendar_uid", nullable=False)
    op.create_unique_constraint(
        op.f("uq_scheduling_bookings_organization_id_id_status"), "scheduling_bookings", ["organization_id", "id", "status"]
    )
    for status in STATUSES:
        which = sa.text(f"status = '{status}'")
        columns = ["organization_id", "start_time", "id"]
        op.create_index(f"ix_scheduling_bookings_{status.lower()}", "scheduling_bookings", columns, postgresql_where=which)
    op.create_index("ix_scheduling_bookings_ended", "scheduling_bookings", ["end_time"], postgresql_where=STANDING)
    op.drop_index("ix_scheduling_bookings_organization_id_rescheduled_from_id", "scheduling_bookings")
    op.create_index(
        "uq_scheduling_bookings_rescheduled_from_id", "scheduling_bookings", ["organization_id", "rescheduled_from_id"], unique=True
    )


def _booking_hosts() -> None:
    op.create_table(
        "scheduling_booking_hosts",
        *key(),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        user("host_id"),
        sa.Column("status", STATUS, nullable=False),
        sa.Column("start_time", INSTANT, nullable=False),
        sa.Column("held", pg.TSTZRANGE(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("seat", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "booking_id", "status"],
            ["scheduling_bookings.organization_id", "scheduling_bookings.id", "scheduling_bookings.status"],
            name="fk_scheduling_booking_hosts_booking",
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        sa.UniqueConstraint("organization_id", "booking_id", "host_id"),
        sa.CheckConstraint("start_time <@ held AND seat > 0", name="held_time"),
    )
    with every_row("scheduling_bookings"):
        op.execute(
            """
            INSERT INTO scheduling_booking_hosts (organization_id, id, booking_id, host_id, status, start_time, held, session_id, seat)
            SELECT organization_id, id, id, host_id, status, start_time, held, id, 1 FROM scheduling_bookings
            """
        )
    op.create_exclude_constraint(
        "ex_scheduling_booking_hosts_host_time", "scheduling_booking_hosts",
        ("organization_id", "="), ("host_id", "="), ("held", "&&"), ("session_id", "<>"),
        where=HOLDING, using="gist",
    )  # fmt: skip
    op.create_index(
        "uq_scheduling_booking_hosts_seat",
        "scheduling_booking_hosts",
        ["organization_id", "host_id", "session_id", "seat"],
        unique=True,
        postgresql_where=HOLDING,
    )
    index("scheduling_booking_hosts", "host_id", "start_time", "booking_id", named=2)
    op.drop_constraint(OLD_OVERLAP, "scheduling_bookings")
    op.drop_constraint(op.f("ck_scheduling_bookings_held_time"), "scheduling_bookings", type_="check")
    op.drop_column("scheduling_bookings", "held")
    op.create_check_constraint(op.f("ck_scheduling_bookings_time"), "scheduling_bookings", "start_time < end_time")


def _holds() -> None:
    op.create_table(
        "scheduling_holds",
        *key(),
        sa.Column("event_type_id", sa.Uuid(), nullable=False),
        sa.Column("host_ids", pg.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("start_time", INSTANT, nullable=False),
        sa.Column("held", pg.TSTZRANGE(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        parent("event_type_id", "scheduling_event_types"),
        sa.UniqueConstraint("organization_id", "token_hash"),
    )
    index("scheduling_holds", "expires_at")
    index("scheduling_holds", "event_type_id")
    op.create_index("ix_scheduling_holds_expires_at", "scheduling_holds", ["expires_at"])


def _links() -> None:
    """The directory follows the names of organizations, so that a link with one in it finds its tenant."""
    op.execute(
        """
        CREATE FUNCTION follow_organization_slug() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' THEN
                DELETE FROM directory_entries WHERE kind = 'organization_slug' AND key = OLD.slug AND organization_id = OLD.id;
            END IF;
            IF NEW.deleted_at IS NULL THEN
                INSERT INTO directory_entries (kind, key, organization_id) VALUES ('organization_slug', NEW.slug, NEW.id);
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER follow_slug AFTER INSERT OR UPDATE OF slug, deleted_at ON organizations
        FOR EACH ROW EXECUTE FUNCTION follow_organization_slug()
        """
    )
    with every_row("organizations"):
        op.execute(
            """
            INSERT INTO directory_entries (kind, key, organization_id)
            SELECT 'organization_slug', slug, id FROM organizations WHERE deleted_at IS NULL
            """
        )


def downgrade() -> None:
    """What the schema before can't say goes: other hosts, pools; seats beside the first one of a session are canceled."""
    op.execute("DROP TRIGGER follow_slug ON organizations")
    op.execute("DROP FUNCTION follow_organization_slug()")
    op.execute("DELETE FROM directory_entries WHERE kind = 'organization_slug'")
    for table in ("scheduling_bookings", "scheduling_invitees"):
        op.execute(f"DROP POLICY sweep_select ON {table}")
    op.drop_index("ix_scheduling_invitees_erasure_wanted", "scheduling_invitees")
    for column in ("erased_at", "erasure_wanted_at"):
        op.drop_column("scheduling_invitees", column)
    op.drop_index("ix_scheduling_invitees_organization_id_address", "scheduling_invitees")
    op.drop_column("scheduling_invitees", "address")
    index("scheduling_invitees", "email")
    _bookings_as_before()
    with every_row("scheduling_notification_logs"):
        op.execute(
            """
            DELETE FROM scheduling_notification_logs n USING scheduling_notification_logs o
            WHERE (n.organization_id, n.event_id, n.recipient_kind) = (o.organization_id, o.event_id, o.recipient_kind) AND n.id > o.id
            """
        )
    op.drop_constraint(NOTICES, "scheduling_notification_logs", type_="unique")
    op.create_unique_constraint(NOTICES, "scheduling_notification_logs", ["organization_id", "event_id", "recipient_kind"])
    for column in ("slug", "team_id", "pool_id"):
        op.drop_index(f"ix_scheduling_event_types_organization_id_{column}", "scheduling_event_types")
    for name in ("capacity", "min_capacity", "pool"):
        op.drop_constraint(op.f(f"ck_scheduling_event_types_{name}"), "scheduling_event_types", type_="check")
    op.drop_column("scheduling_questions", "deleted_at")
    for column in ("requires_confirmation", "pool_id", "team_id"):
        op.drop_column("scheduling_event_types", column)
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DROP TYPE scheduling_assignment_strategy")


def _bookings_as_before() -> None:
    op.add_column("scheduling_bookings", sa.Column("held", pg.TSTZRANGE()))
    op.drop_constraint(op.f("ck_scheduling_bookings_time"), "scheduling_bookings", type_="check")
    with every_row("scheduling_bookings", "scheduling_booking_hosts"):
        op.execute(
            """
            UPDATE scheduling_bookings b SET held = coalesce(
                (SELECT h.held FROM scheduling_booking_hosts h
                 WHERE h.organization_id = b.organization_id AND h.booking_id = b.id AND h.host_id = b.host_id),
                tstzrange(b.start_time, b.end_time))
            """
        )
        op.execute(
            """
            WITH beside AS (
                SELECT b.organization_id, b.id FROM scheduling_bookings b JOIN scheduling_bookings first
                ON first.organization_id = b.organization_id AND first.host_id = b.host_id AND first.held && b.held AND first.id < b.id
                WHERE b.status NOT IN ('CANCELED', 'RESCHEDULED') AND first.status NOT IN ('CANCELED', 'RESCHEDULED')
            )
            UPDATE scheduling_bookings b SET status = 'CANCELED', canceled_at = now(), cancel_reason = 'The schema holds one seat.'
            FROM beside WHERE b.organization_id = beside.organization_id AND b.id = beside.id
            """
        )
    op.alter_column("scheduling_bookings", "held", nullable=False)
    op.create_exclude_constraint(
        OLD_OVERLAP, "scheduling_bookings", ("organization_id", "="), ("host_id", "="), ("held", "&&"), where=HOLDING, using="gist"
    )
    op.create_check_constraint(
        op.f("ck_scheduling_bookings_held_time"), "scheduling_bookings", "start_time < end_time AND held @> tstzrange(start_time, end_time)"
    )
    op.drop_index("uq_scheduling_bookings_rescheduled_from_id", "scheduling_bookings")
    index("scheduling_bookings", "rescheduled_from_id")
    op.drop_index("ix_scheduling_bookings_ended", "scheduling_bookings")
    for status in STATUSES:
        op.drop_index(f"ix_scheduling_bookings_{status.lower()}", "scheduling_bookings")
    # The rows of hosts point to it.
    op.drop_constraint("fk_scheduling_booking_hosts_booking", "scheduling_booking_hosts", type_="foreignkey")
    op.drop_constraint(op.f("uq_scheduling_bookings_organization_id_id_status"), "scheduling_bookings", type_="unique")
    for column in ("pool_id", "calendar_uid", "completed_at", "confirmed_at"):
        op.drop_column("scheduling_bookings", column)
