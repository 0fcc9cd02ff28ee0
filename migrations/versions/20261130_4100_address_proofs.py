"""Event types that want the booker's address proved, and where the code of a hold goes."""

import sqlalchemy as sa
from alembic import op

revision = "0030_address_proofs"
down_revision = "0029_security_alerts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "scheduling_event_types", sa.Column("requires_address_proof", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.add_column("scheduling_holds", sa.Column("proof_email", sa.Text()))


def downgrade() -> None:
    op.drop_column("scheduling_holds", "proof_email")
    op.drop_column("scheduling_event_types", "requires_address_proof")
