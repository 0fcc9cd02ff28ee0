"""Events of payments are forgotten, by the sweep."""

from alembic import op

from parley.kernel.postgres.row_level_security import APPLICATION, let_sweep

revision = "0040_payment_events_end"
down_revision = "0039_inbox_checks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_payment_events_taken_at", "payment_events", ["taken_at"])
    op.execute(f"GRANT DELETE ON payment_events TO {APPLICATION}")
    let_sweep(op, "payment_events")


def downgrade() -> None:
    for verb in ("select", "update", "delete"):
        op.execute(f"DROP POLICY sweep_{verb} ON payment_events")
    op.execute(f"REVOKE DELETE ON payment_events FROM {APPLICATION}")
    op.drop_index("ix_payment_events_taken_at", "payment_events")
