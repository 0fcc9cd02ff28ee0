"""Domains are proven by a record in DNS; a claim that nobody proved leads nobody anywhere and blocks nobody."""

import secrets

import sqlalchemy as sa
from alembic import op

from parley.kernel.postgres.row_level_security import let_sweep, protect
from parley.kernel.values.ids import new_id

revision = "0021_domains"
down_revision = "0020_federation"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    owner = sa.ForeignKey("organizations.id", ondelete="CASCADE")
    op.create_table(
        "saml_domains",
        sa.Column("organization_id", sa.Uuid(), owner, primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("verified_at", INSTANT),
        sa.Column("seen_at", INSTANT),
        sa.Column("checked_at", INSTANT),
        sa.Column("missed_since", INSTANT),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.Column("next_check_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.UniqueConstraint("organization_id", "domain", name="uq_saml_domains_organization_id_domain"),
    )
    op.create_index("ix_saml_domains_next_check_at", "saml_domains", ["next_check_at"])
    op.execute("ALTER TABLE saml_connections NO FORCE ROW LEVEL SECURITY")
    claims = op.get_bind().execute(
        sa.text("SELECT c.organization_id, d FROM saml_connections c, jsonb_array_elements_text(c.domains) d ORDER BY 1, 2")
    )
    rows = [
        {"organization_id": organization_id, "id": new_id(), "domain": domain, "token": secrets.token_urlsafe(24)}
        for organization_id, domain in claims
    ]
    if rows:
        op.get_bind().execute(
            sa.text(
                "INSERT INTO saml_domains (organization_id, id, domain, token, misses, created_at, updated_at) "
                "VALUES (:organization_id, :id, :domain, :token, 0, now(), now())"
            ),
            rows,
        )
    op.execute("ALTER TABLE saml_connections FORCE ROW LEVEL SECURITY")
    # An address in it was all that it took to claim one.
    op.execute("DELETE FROM directory_entries WHERE kind = 'saml_domain'")
    protect(op, "saml_domains")
    let_sweep(op, "saml_domains")


def downgrade() -> None:
    op.drop_table("saml_domains")
    op.execute("DELETE FROM directory_entries WHERE kind = 'saml_domain'")
    op.execute("ALTER TABLE saml_connections NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "INSERT INTO directory_entries (kind, key, organization_id) SELECT DISTINCT ON (d) 'saml_domain', d, c.organization_id "
        "FROM saml_connections c, jsonb_array_elements_text(c.domains) d ORDER BY d, c.created_at"
    )
    op.execute("ALTER TABLE saml_connections FORCE ROW LEVEL SECURITY")
