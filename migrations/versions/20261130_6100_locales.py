"""The language that an organization and an invitee are written to in."""

import sqlalchemy as sa
from alembic import op

revision = "0044_locales"
down_revision = "0043_suppressed_addresses"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("organizations", "scheduling_invitees"):
        op.add_column(table, sa.Column("locale", sa.Text()))


def downgrade() -> None:
    for table in ("scheduling_invitees", "organizations"):
        op.drop_column(table, "locale")
