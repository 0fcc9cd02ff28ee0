"""Routing forms."""

revision = "0012_routing"
down_revision = "0011_workflows"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
