"""Each subscription of a payment provider is one organization's: the directory says whose."""

from alembic import op

revision = "0038_subscriptions_one_payer"
down_revision = "0037_makers_since"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE POLICY moving ON payment_subscriptions TO CURRENT_USER USING (true)")
    op.execute(
        """
        INSERT INTO directory_entries (kind, key, organization_id)
        SELECT DISTINCT ON (subscription) 'payment_subscription', subscription, organization_id
        FROM payment_subscriptions ORDER BY subscription, told_at DESC
        ON CONFLICT DO NOTHING
        """
    )
    op.execute("DROP POLICY moving ON payment_subscriptions")


def downgrade() -> None:
    op.execute("DELETE FROM directory_entries WHERE kind = 'payment_subscription'")
