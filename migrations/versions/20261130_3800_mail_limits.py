"""An agreement about how many mails a day an organization may have sent, instead of what its age and plan allow."""

import sqlalchemy as sa
from alembic import op

revision = "0015_mail_limits"
down_revision = "0014_rate_limits"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("organizations", sa.Column("mail_limit", sa.Integer()))


def downgrade() -> None:
    op.drop_column("organizations", "mail_limit")
