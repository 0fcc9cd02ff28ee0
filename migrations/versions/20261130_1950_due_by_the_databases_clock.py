"""When an event is due is said by the database's clock."""

from alembic import op

revision = "0028_due_by_the_databases_clock"
down_revision = "0027_partitions_of_the_trail"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE outbox_events ALTER COLUMN due_at SET DEFAULT now()")


def downgrade() -> None:
    op.execute("ALTER TABLE outbox_events ALTER COLUMN due_at DROP DEFAULT")
