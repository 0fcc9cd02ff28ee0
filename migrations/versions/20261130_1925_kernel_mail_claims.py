"""Claims of mails that have no log of their own."""

import sqlalchemy as sa
from alembic import op

from parley.kernel.postgres.row_level_security import share

revision = "0018_mail_claims"
down_revision = "0017_doubtful_sends"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_claims",
        sa.Column("claim", sa.Text(), primary_key=True),
        sa.Column("doubtful_sends", sa.SmallInteger(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True)),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_mail_claims_created_at", "mail_claims", ["created_at"])
    share(op, "mail_claims")


def downgrade() -> None:
    op.drop_table("mail_claims")
