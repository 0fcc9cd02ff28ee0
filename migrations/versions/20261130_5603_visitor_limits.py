"""What strangers may is an organization's to set: read where it is counted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from parley.kernel.postgres.row_level_security import APPLICATION, TENANT

revision = "0042_visitor_limits"
down_revision = "0041_makers_of_routing_forms"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("organizations", sa.Column("visitor_limits", JSONB()))
    op.execute(
        f"""
        CREATE FUNCTION visitor_limit(what text, usual integer) RETURNS integer LANGUAGE sql STABLE AS $$
            SELECT coalesce((SELECT (o.visitor_limits ->> what)::integer FROM organizations o WHERE o.id = {TENANT}), usual)
        $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION visitor_limit(text, integer) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION visitor_limit(text, integer) TO {APPLICATION}")


def downgrade() -> None:
    op.execute("DROP FUNCTION visitor_limit(text, integer)")
    op.drop_column("organizations", "visitor_limits")
