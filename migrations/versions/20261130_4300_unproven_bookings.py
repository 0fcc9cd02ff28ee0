"""Bookings of strangers who have not proved their address, by the keyed hash of their network."""

import sqlalchemy as sa
from alembic import op

revision = "0036_unproven_bookings"
down_revision = "0035_payments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("scheduling_bookings", sa.Column("unproven_network", sa.Text()))


def downgrade() -> None:
    op.drop_column("scheduling_bookings", "unproven_network")
