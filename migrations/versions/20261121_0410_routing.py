"""Routing forms: questions, rules and submissions.

A question belongs to an event type or to a form, an answer to a booking or to a submission.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import protect

revision = "0012_routing"
down_revision = "0011_workflows"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
OPERATORS = ("EQUALS", "NOT_EQUALS", "CONTAINS", "GREATER_THAN", "LESS_THAN", "IN")
OUTCOMES = ("EVENT_TYPE", "URL", "MESSAGE", "NONE")
OPERATOR = pg.ENUM(*OPERATORS, name="scheduling_routing_operator", create_type=False)
OUTCOME = pg.ENUM(*OUTCOMES, name="scheduling_routing_outcome", create_type=False)
TABLES = (
    "scheduling_routing_forms",
    "scheduling_routing_rules",
    "scheduling_routing_conditions",
    "scheduling_routing_submissions",
)
ROUTED = "fk_scheduling_bookings_routing_submission"


def key() -> tuple[sa.Column[object], ...]:
    organization = sa.ForeignKey("organizations.id", ondelete="CASCADE")
    return sa.Column("organization_id", sa.Uuid(), organization, primary_key=True), sa.Column("id", sa.Uuid(), primary_key=True)


def parent(column: str, table: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete=ondelete)


def column(name: str, kind: type[Any], *, is_needed: bool = True) -> sa.Column[object]:
    return sa.Column(name, kind(), nullable=not is_needed)


def instants() -> tuple[sa.Column[object], ...]:
    return sa.Column("created_at", INSTANT, nullable=False), sa.Column("updated_at", INSTANT, nullable=False)


def comparison() -> tuple[sa.Column[object] | sa.ForeignKeyConstraint, ...]:
    return (
        column("question_id", sa.Uuid),
        sa.Column("operator", OPERATOR, nullable=False),
        sa.Column("value", pg.JSONB(), nullable=False),
        parent("question_id", "scheduling_questions", "NO ACTION"),
    )


def index(name: str, table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_organization_id_{name}", table, ["organization_id", *columns])


def upgrade() -> None:
    OPERATOR.create(op.get_bind())
    OUTCOME.create(op.get_bind())
    _forms()
    _rules()
    _submissions()
    for table in TABLES:
        protect(op, table)
    _owners()


def _forms() -> None:
    op.create_table(
        "scheduling_routing_forms",
        *key(),
        column("name", sa.Text),
        column("slug", sa.Text),
        column("description", sa.Text, is_needed=False),
        column("is_active", sa.Boolean),
        column("fallback_event_type_id", sa.Uuid, is_needed=False),
        column("fallback_url", sa.Text, is_needed=False),
        column("fallback_message", sa.Text, is_needed=False),
        *instants(),
        sa.Column("deleted_at", INSTANT),
        parent("fallback_event_type_id", "scheduling_event_types", "NO ACTION"),
        sa.CheckConstraint("num_nonnulls(fallback_event_type_id, fallback_url, fallback_message) <= 1", name="fallback"),
    )
    op.create_index(
        "uq_scheduling_routing_forms_slug",
        "scheduling_routing_forms",
        ["organization_id", "slug"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    index("fallback_event_type", "scheduling_routing_forms", "fallback_event_type_id")


def _rules() -> None:
    rules, conditions = "scheduling_routing_rules", "scheduling_routing_conditions"
    op.create_table(
        rules,
        *key(),
        column("form_id", sa.Uuid),
        column("position", sa.SmallInteger),
        column("event_type_id", sa.Uuid),
        *comparison(),
        parent("form_id", "scheduling_routing_forms"),
        parent("event_type_id", "scheduling_event_types", "NO ACTION"),
    )
    op.create_table(
        conditions,
        *key(),
        column("rule_id", sa.Uuid),
        column("position", sa.SmallInteger),
        *comparison(),
        parent("rule_id", rules),
    )
    index("form_id", rules, "form_id", "position")
    index("event_type_id", rules, "event_type_id")
    index("rule_id", conditions, "rule_id", "position")
    for table in (rules, conditions):
        index("question_id", table, "question_id")


def _submissions() -> None:
    table = "scheduling_routing_submissions"
    op.create_table(
        table,
        *key(),
        column("form_id", sa.Uuid),
        sa.Column("outcome", OUTCOME, nullable=False),
        column("matched_event_type_id", sa.Uuid, is_needed=False),
        column("rule_position", sa.SmallInteger, is_needed=False),
        *instants(),
        parent("form_id", "scheduling_routing_forms"),
        parent("matched_event_type_id", "scheduling_event_types", "NO ACTION"),
        sa.UniqueConstraint("organization_id", "id", "matched_event_type_id", name="uq_scheduling_routing_submissions_event_type"),
        sa.CheckConstraint("(outcome = 'EVENT_TYPE') = (matched_event_type_id IS NOT NULL)", name="outcome"),
    )
    index("created_at", table, "created_at", "id")
    index("form_id", table, "form_id", "created_at", "id")
    index("event_type", table, "matched_event_type_id", "created_at", "id")


def _owners() -> None:
    """Questions and answers get a second kind of owner; each has one of the two."""
    for table, before, after, target in (
        ("scheduling_questions", "event_type_id", "form_id", "scheduling_routing_forms"),
        ("scheduling_answers", "booking_id", "submission_id", "scheduling_routing_submissions"),
    ):
        op.add_column(table, sa.Column(after, sa.Uuid()))
        op.alter_column(table, before, nullable=True)
        op.create_foreign_key(
            op.f(f"fk_{table}_organization_id_{after}"),
            table,
            target,
            ["organization_id", after],
            ["organization_id", "id"],
            ondelete="CASCADE",
        )
        op.create_check_constraint(op.f(f"ck_{table}_one_owner"), table, f"num_nonnulls({before}, {after}) = 1")
    index("form_id", "scheduling_questions", "form_id", "position")
    op.create_unique_constraint(
        op.f("uq_scheduling_answers_organization_id_submission_id_question_id"),
        "scheduling_answers",
        ["organization_id", "submission_id", "question_id"],
    )
    op.add_column("scheduling_bookings", sa.Column("routing_submission_id", sa.Uuid()))
    op.create_foreign_key(
        ROUTED,
        "scheduling_bookings",
        "scheduling_routing_submissions",
        ["organization_id", "routing_submission_id", "event_type_id"],
        ["organization_id", "id", "matched_event_type_id"],
        ondelete="NO ACTION",
    )
    index("routing_submission_id", "scheduling_bookings", "routing_submission_id", "id")


def downgrade() -> None:
    """Forms go, with their questions and what was answered to them; bookings stay."""
    op.drop_column("scheduling_bookings", "routing_submission_id")
    for table in ("scheduling_answers", "scheduling_questions"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM scheduling_answers WHERE submission_id IS NOT NULL")
    for table in ("scheduling_routing_conditions", "scheduling_routing_rules"):
        op.drop_table(table)
    op.execute("DELETE FROM scheduling_questions WHERE form_id IS NOT NULL")
    for table, before, after in (
        ("scheduling_answers", "booking_id", "submission_id"),
        ("scheduling_questions", "event_type_id", "form_id"),
    ):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.drop_column(table, after)
        op.alter_column(table, before, nullable=False)
    for table in ("scheduling_routing_submissions", "scheduling_routing_forms"):
        op.drop_table(table)
    for kind in (OPERATOR, OUTCOME):
        kind.drop(op.get_bind())
