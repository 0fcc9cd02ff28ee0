"""Links that nobody has an account for yet, by their address: of several registrations of one address the last one counts."""

import sqlalchemy as sa
from alembic import op

revision = "0016_links_of_an_address"
down_revision = "0015_mail_limits"
branch_labels = None
depends_on = None


def upgrade() -> None:
    nobodys = sa.text("user_id IS NULL")
    op.create_index("ix_verification_tokens_email", "verification_tokens", ["email"], postgresql_where=nobodys)
    # Passwords that somebody chose at registration open nothing any more.
    op.execute("ALTER TABLE verification_tokens NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE verification_tokens SET wanted = wanted - 'password_hash' WHERE kind = 'REGISTRATION' AND wanted ? 'password_hash'")
    op.execute("ALTER TABLE verification_tokens FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_index("ix_verification_tokens_email", "verification_tokens")
