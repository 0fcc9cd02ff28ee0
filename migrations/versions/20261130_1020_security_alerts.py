"""Links of security alerts: a kind of their own."""

from alembic import op

revision = "0029_security_alerts"
down_revision = "0028_due_by_the_databases_clock"
branch_labels = None
depends_on = None

BEFORE = ("REGISTRATION", "EMAIL", "MAGIC_LINK", "PASSWORD_RESET", "SECOND_FACTOR")


def upgrade() -> None:
    op.execute("ALTER TYPE verification_kind ADD VALUE IF NOT EXISTS 'SECURITY_ALERT'")


def downgrade() -> None:
    op.execute("ALTER TABLE verification_tokens NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM verification_tokens WHERE kind = 'SECURITY_ALERT'")
    op.execute("ALTER TABLE verification_tokens FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TYPE verification_kind RENAME TO verification_kind_with_alerts")
    op.execute(f"CREATE TYPE verification_kind AS ENUM {BEFORE!r}")
    op.execute("ALTER TABLE verification_tokens ALTER COLUMN kind TYPE verification_kind USING kind::text::verification_kind")
    op.execute("DROP TYPE verification_kind_with_alerts")
