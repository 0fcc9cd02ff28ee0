"""Provisioning with SCIM: what a directory says of members and teams."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import protect

revision = "0007_scim"
down_revision = "0006_saml"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def resource(table: str, of: str, *columns: sa.Column[Any] | sa.Constraint) -> None:
    """A table beside another one: the same key, and gone with it."""
    op.create_table(
        table,
        sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        *columns,
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["organization_id", "id"], [f"{of}.organization_id", f"{of}.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("organization_id", "external_id"),
    )
    protect(op, table)


def upgrade() -> None:
    resource(
        "scim_users",
        "organization_members",
        sa.Column("user_name", pg.CITEXT(), nullable=False),
        sa.Column("external_id", sa.Text()),
        sa.Column("attributes", pg.JSONB(), nullable=False),
        sa.UniqueConstraint("organization_id", "user_name"),
    )
    resource("scim_groups", "teams", sa.Column("external_id", sa.Text()))


def downgrade() -> None:
    op.drop_table("scim_groups")
    op.drop_table("scim_users")
