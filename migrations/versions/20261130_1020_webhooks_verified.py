"""Whether the address of a subscription has agreed to hear of events. Those that are there have."""

import sqlalchemy as sa
from alembic import op

revision = "0032_webhooks_verified"
down_revision = "0031_address_agreements"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhooks_subscriptions", sa.Column("verified_at", sa.DateTime(timezone=True)))
    op.add_column("webhooks_subscriptions", sa.Column("challenge", sa.Text()))
    op.execute("ALTER TABLE webhooks_subscriptions NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE webhooks_subscriptions SET verified_at = created_at")
    op.execute("ALTER TABLE webhooks_subscriptions FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_column("webhooks_subscriptions", "challenge")
    op.drop_column("webhooks_subscriptions", "verified_at")
