"""The first tables of inbox."""

import sqlalchemy as sa
from alembic import op

from parley.kernel.tenancy import protect

revision = "0003_inbox"
down_revision = "0002_scheduling"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
