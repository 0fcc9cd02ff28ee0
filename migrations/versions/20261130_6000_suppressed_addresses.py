"""Addresses that bounced or complained: no more mail goes to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from parley.kernel.postgres.row_level_security import share

revision = "0043_suppressed_addresses"
down_revision = "0042_visitor_limits"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TYPE suppression_kind AS ENUM ('SOFT_BOUNCE', 'BOUNCE', 'COMPLAINT')")
    kind = postgresql.ENUM(name="suppression_kind", create_type=False)
    op.create_table(
        "suppressed_addresses",
        sa.Column("address_hash", sa.Text(), primary_key=True),
        sa.Column("kind", kind, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("bounces", sa.SmallInteger(), nullable=False),
        sa.Column("feedback_id", sa.Text(), nullable=False),
        sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_suppressed_addresses_bounced_at", "suppressed_addresses", ["bounced_at"])
    share(op, "suppressed_addresses")


def downgrade() -> None:
    op.drop_table("suppressed_addresses")
    op.execute("DROP TYPE suppression_kind")
