"""Scheduling, whole."""

revision = "0009_scheduling"
down_revision = "0008_webhooks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
