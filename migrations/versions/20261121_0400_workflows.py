"""Workflows."""

revision = "0011_workflows"
down_revision = "0010_calendars"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
