"""What an organization says of its members stands in the membership, and whether they must come in by single sign-on too."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0023_memberships"
down_revision = "0022_horizon"
branch_labels = None
depends_on = None

TABLES = ("organization_members", "users", "organizations", "scim_users")


@contextmanager
def everybodys() -> Iterator[None]:
    """The rows of all tenants, for the owner of the tables."""
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def upgrade() -> None:
    op.add_column("organization_members", sa.Column("display_name", sa.Text()))
    op.add_column("organization_members", sa.Column("email", pg.CITEXT()))
    op.add_column("organization_members", sa.Column("is_sso_bound", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("organization_members", "is_sso_bound", server_default=None)
    op.create_unique_constraint("uq_organization_members_organization_id_email", "organization_members", ["organization_id", "email"])
    with everybodys():
        # What each directory says of a member is that organization's alone; an account that nobody has proven has no name of its own.
        op.execute(
            """UPDATE organization_members m SET display_name = left(coalesce(nullif(s.attributes ->> 'displayName', ''),
                nullif(s.attributes #>> '{name,formatted}', ''),
                nullif(concat_ws(' ', s.attributes #>> '{name,givenName}', s.attributes #>> '{name,familyName}'), '')), 200),
                is_sso_bound = true
            FROM scim_users s WHERE s.organization_id = m.organization_id AND s.id = m.id"""
        )
        op.execute(
            """UPDATE users SET name = NULL WHERE email_verified_at IS NULL AND last_login_at IS NULL AND password_hash IS NULL
                AND EXISTS (SELECT FROM organization_members m JOIN scim_users s ON s.organization_id = m.organization_id AND s.id = m.id
                            WHERE m.user_id = users.id)"""
        )
        op.execute(
            """UPDATE organization_members m SET is_sso_bound = true FROM organizations o, users u
            WHERE o.id = m.organization_id AND u.id = m.user_id
                AND jsonb_exists(o.sso_domains, split_part(lower(u.email::text), '@', 2))"""
        )


def downgrade() -> None:
    op.drop_constraint("uq_organization_members_organization_id_email", "organization_members", type_="unique")
    for column in ("is_sso_bound", "email", "display_name"):
        op.drop_column("organization_members", column)
