"""Connected accounts are asked for again, and end: when, how often they were refused, and no token afterwards."""

import sqlalchemy as sa
from alembic import op

from parley.kernel.postgres.row_level_security import APPLICATION, let_sweep

revision = "0039_inbox_checks"
down_revision = "0038_subscriptions_one_payer"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.alter_column("inbox_connections", "access_token", nullable=True)
    op.add_column("inbox_connections", sa.Column("checked_at", INSTANT))
    op.add_column("inbox_connections", sa.Column("next_check_at", INSTANT, server_default=sa.text("now() + interval '1 day'")))
    op.add_column("inbox_connections", sa.Column("refusals", sa.SmallInteger(), nullable=False, server_default="0"))
    op.create_index(
        "ix_inbox_connections_next_check_at", "inbox_connections", ["next_check_at"], postgresql_where=sa.text("next_check_at IS NOT NULL")
    )
    let_sweep(op, "inbox_connections")
    op.execute(f"GRANT UPDATE (proven_at) ON directory_entries TO {APPLICATION}")


def downgrade() -> None:
    """A connection that has ended has no token, and the release before reads none: it gets an empty one."""
    op.execute(f"REVOKE UPDATE (proven_at) ON directory_entries FROM {APPLICATION}")
    for verb in ("select", "update", "delete"):
        op.execute(f"DROP POLICY sweep_{verb} ON inbox_connections")
    op.execute("CREATE POLICY emptied ON inbox_connections TO CURRENT_USER USING (true)")
    op.execute("UPDATE inbox_connections SET access_token = '' WHERE access_token IS NULL")
    op.execute("DROP POLICY emptied ON inbox_connections")
    op.drop_index("ix_inbox_connections_next_check_at", "inbox_connections")
    for column in ("refusals", "next_check_at", "checked_at"):
        op.drop_column("inbox_connections", column)
    op.alter_column("inbox_connections", "access_token", nullable=False)
