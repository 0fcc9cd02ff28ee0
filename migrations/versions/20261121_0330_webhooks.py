"""Outgoing webhooks for every domain."""

revision = "0008_webhooks"
down_revision = "0007_scim"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
