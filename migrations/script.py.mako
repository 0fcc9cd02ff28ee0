"""${message}"""

import sqlalchemy as sa
from alembic import op

from parley.kernel.postgres.row_level_security import protect

revision = "${up_revision}"
down_revision = "${down_revision}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
