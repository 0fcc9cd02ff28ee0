"""Rows that a sweep puts off."""

import sqlalchemy as sa
from alembic import op

from parley.kernel.postgres.row_level_security import let_sweep, protect

revision = "0026_postponed_rows"
down_revision = "0025_calendars_unclear_events"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "postponed_rows",
        sa.Column("organization_id", sa.Uuid(), primary_key=True),
        sa.Column("duty", sa.Text(), primary_key=True),
        sa.Column("row_id", sa.Uuid(), primary_key=True),
        sa.Column("failures", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
    )
    op.create_index("ix_postponed_rows_due_at", "postponed_rows", ["due_at"])
    protect(op, "postponed_rows")
    let_sweep(op, "postponed_rows")


def downgrade() -> None:
    op.drop_table("postponed_rows")
