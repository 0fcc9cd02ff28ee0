"""What a payment provider says of subscriptions, and which of its events were counted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import protect

revision = "0035_payments"
down_revision = "0034_origins_out_of_the_trail"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "payment_subscriptions",
        sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("subscription", sa.Text(), nullable=False),
        sa.Column("told_at", INSTANT, nullable=False),
        sa.Column("plan", pg.ENUM(name="plan_type", create_type=False), nullable=False),
        sa.Column("is_ended", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("organization_id", "subscription"),
    )
    op.create_table(
        "payment_events",
        sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("taken_at", INSTANT, nullable=False),
        sa.UniqueConstraint("organization_id", "event"),
    )
    protect(op, "payment_subscriptions")
    protect(op, "payment_events", grants="SELECT, INSERT")


def downgrade() -> None:
    op.drop_table("payment_events")
    op.drop_table("payment_subscriptions")
