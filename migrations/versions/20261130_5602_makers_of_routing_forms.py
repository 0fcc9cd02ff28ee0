"""Routing forms know who made them: they and administrators change them."""

import sqlalchemy as sa
from alembic import op

revision = "0041_makers_of_routing_forms"
down_revision = "0040_payment_events_end"
branch_labels = None
depends_on = None

TABLES = ("scheduling_routing_forms", "audit_logs")


def upgrade() -> None:
    op.add_column("scheduling_routing_forms", sa.Column("user_id", sa.Uuid()))
    for table in TABLES:
        op.execute(f"CREATE POLICY moving ON {table} TO CURRENT_USER USING (true)")
    # Of those that the trail does not know, administrators decide.
    op.execute(
        """
        UPDATE scheduling_routing_forms f SET user_id = a.actor_id FROM audit_logs a
        WHERE a.organization_id = f.organization_id AND a.entity_id = f.id AND a.action = 'routing_form.created' AND a.actor_type = 'USER'
        """
    )
    for table in TABLES:
        op.execute(f"DROP POLICY moving ON {table}")


def downgrade() -> None:
    op.drop_column("scheduling_routing_forms", "user_id")
