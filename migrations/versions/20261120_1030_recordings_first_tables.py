"""The first tables of recordings."""

import sqlalchemy as sa
from alembic import op

from parley.kernel.tenancy import protect

revision = "0004_recordings"
down_revision = "0003_inbox"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
