"""How often a message may have left unheard, and who was told that a booking is theirs no more."""

import sqlalchemy as sa
from alembic import op

revision = "0017_doubtful_sends"
down_revision = "0016_links_of_an_address"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("scheduling_notification_logs", sa.Column("doubtful_sends", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("scheduling_notification_logs", sa.Column("from_host_id", sa.Uuid()))


def downgrade() -> None:
    op.drop_column("scheduling_notification_logs", "from_host_id")
    op.drop_column("scheduling_notification_logs", "doubtful_sends")
