"""Who agrees to a source of identity: connections of SAML and tokens of SCIM count once the owner has; sessions of SAML are no owner's."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0020_federation"
down_revision = "0019_makers_and_slugs"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
# Where `admit` has compared the member's role, before it says "admitted".
BEFORE = "verdict := 'admitted';"
REFUSAL = """-- An identity provider speaks for nobody who stands above those that configure it (parley.identity.sessions.single_sign_on).
            IF member_role = 'OWNER' AND EXISTS (SELECT FROM user_sessions s WHERE s.id = session AND s.methods @> '["saml"]') THEN
                verdict := 'of_one_organization'; RETURN;
            END IF;
            """


@contextmanager
def everybodys(*tables: str) -> Iterator[None]:
    """The rows of all tenants, for the owner of the tables."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    for table in tables:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def replace_in_admit(old: str, new: str) -> None:
    """Change the function as it is now, whatever other revisions have made of it."""
    query = sa.text("SELECT pg_get_functiondef('admit(text, uuid, uuid, text, jsonb)'::regprocedure)")
    source: str = op.get_bind().execute(query).scalar_one()
    assert source.count(old) == 1
    op.get_bind().exec_driver_sql(source.replace(old, new).replace("%", "%%"))


def upgrade() -> None:
    op.add_column("saml_connections", sa.Column("asked_by", sa.Uuid()))
    op.add_column("saml_connections", sa.Column("asked_at", INSTANT))
    op.add_column("saml_connections", sa.Column("approved_by", sa.Uuid()))
    op.add_column("saml_connections", sa.Column("approved_at", INSTANT))
    op.add_column("saml_connections", sa.Column("proposed", pg.JSONB()))
    op.add_column("api_keys", sa.Column("approved_at", INSTANT))
    with everybodys("saml_connections", "api_keys", "user_sessions", "organization_members"):
        # What an organization lives with already goes on.
        op.execute("UPDATE saml_connections SET approved_at = updated_at")
        op.execute("""UPDATE api_keys SET approved_at = created_at WHERE permissions @> '["scim:provision"]' AND revoked_at IS NULL""")
        op.execute(
            """UPDATE user_sessions s SET revoked_at = now(), revoked_because = 'single sign-on of an owner' FROM organization_members m
            WHERE s.revoked_at IS NULL AND s.methods @> '["saml"]' AND m.organization_id = s.organization_id AND m.user_id = s.user_id
                AND m.role = 'OWNER'"""
        )
    replace_in_admit(BEFORE, REFUSAL + BEFORE)


def downgrade() -> None:
    replace_in_admit(REFUSAL + BEFORE, BEFORE)
    op.drop_column("api_keys", "approved_at")
    for column in ("proposed", "approved_at", "approved_by", "asked_at", "asked_by"):
        op.drop_column("saml_connections", column)
