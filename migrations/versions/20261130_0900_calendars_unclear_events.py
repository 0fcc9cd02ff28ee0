"""Events of a calendar that were not understood: which they are, and how many a connection has."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0025_calendars_unclear_events"
down_revision = "0024_inbox_proven_accounts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The defaults stay: what runs until the new functions do names neither column.
    op.add_column("scheduling_connected_calendars", sa.Column("unclear_event_ids", pg.JSONB(), nullable=False, server_default="[]"))
    op.add_column("scheduling_calendar_connections", sa.Column("unclear_events", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("scheduling_calendar_connections", "unclear_events")
    op.drop_column("scheduling_connected_calendars", "unclear_event_ids")
