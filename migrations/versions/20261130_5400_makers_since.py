"""Since when somebody answers for a workflow or a webhook subscription: who left and came back answers for it no more."""

import sqlalchemy as sa
from alembic import op

revision = "0037_makers_since"
down_revision = "0036_unproven_bookings"
branch_labels = None
depends_on = None

TABLES = ("scheduling_workflows", "webhooks_subscriptions")


def upgrade() -> None:
    for table in TABLES:  # whoever answers for what is there goes on; code of before writes none
        op.add_column(table, sa.Column("maker_since", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "maker_since")
