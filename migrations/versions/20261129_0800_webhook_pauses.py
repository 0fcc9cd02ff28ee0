"""Until when an endpoint that is under load gets nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0013_webhook_pauses"
down_revision = "0012_routing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhooks_subscriptions", sa.Column("paused_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("webhooks_subscriptions", "paused_until")
