"""Calendar connections."""

revision = "0010_calendars"
down_revision = "0009_scheduling"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
