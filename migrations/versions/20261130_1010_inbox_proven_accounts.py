"""When an outside name was proven. What is there already never was: whoever proves it takes it over."""

import sqlalchemy as sa
from alembic import op

revision = "0024_inbox_proven_accounts"
down_revision = "0023_memberships"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("directory_entries", sa.Column("proven_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("directory_entries", "proven_at")
