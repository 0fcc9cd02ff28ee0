"""Single sign-on with SAML."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import protect

revision = "0006_saml"
down_revision = "0005_identity"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
FORMAT = pg.ENUM("EMAIL_ADDRESS", "PERSISTENT", "UNSPECIFIED", name="saml_name_id_format", create_type=False)
TABLES = ("saml_connections", "saml_requests", "saml_assertions")


def key() -> list[sa.Column[Any]]:
    owner = sa.ForeignKey("organizations.id", ondelete="CASCADE")
    return [sa.Column("organization_id", sa.Uuid(), owner, primary_key=True), sa.Column("id", sa.Uuid(), primary_key=True)]


def upgrade() -> None:
    op.add_column("organizations", sa.Column("sso_domains", pg.JSONB()))
    FORMAT.create(op.get_bind())
    op.create_table(
        "saml_connections",
        *key(),
        sa.Column("idp_entity_id", sa.Text(), nullable=False),
        sa.Column("idp_sso_url", sa.Text(), nullable=False),
        sa.Column("certificates", pg.JSONB(), nullable=False),
        sa.Column("domains", pg.JSONB(), nullable=False),
        sa.Column("default_role", pg.ENUM(name="member_role", create_type=False), nullable=False),
        sa.Column("name_id_format", FORMAT, nullable=False),
        sa.Column("email_attribute", sa.Text()),
        sa.Column("name_attribute", sa.Text()),
        sa.Column("role_attribute", sa.Text()),
        sa.Column("is_enforced", sa.Boolean(), nullable=False),
        sa.Column("is_idp_initiated_allowed", sa.Boolean(), nullable=False),
        sa.Column("signing_key", sa.LargeBinary(), nullable=False),
        sa.Column("signing_certificate", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.UniqueConstraint("organization_id", name="uq_saml_connections_organization_id"),
    )
    op.create_table(
        "saml_requests",
        *key(),
        sa.Column("return_to", sa.Text()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
    )
    op.create_index("ix_saml_requests_organization_id_expires_at", "saml_requests", ["organization_id", "expires_at"])
    op.create_table(
        "saml_assertions",
        *key(),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.UniqueConstraint("organization_id", "digest", name="uq_saml_assertions_organization_id_digest"),
    )
    op.create_index("ix_saml_assertions_organization_id_expires_at", "saml_assertions", ["organization_id", "expires_at"])
    for table in TABLES:
        protect(op, table)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP TYPE saml_name_id_format")
    op.execute("DELETE FROM directory_entries WHERE kind = 'saml_domain'")
    op.drop_column("organizations", "sso_domains")
