"""The first tables of scheduling."""

import sqlalchemy as sa
from alembic import op

from parley.kernel.tenancy import protect

revision = "0002_scheduling"
down_revision = "0001_kernel"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
