"""Who answers for a webhook subscription; and a freed slug is kept back.

What was subscribed to before makers were kept is the owner's. The old slug of an organization leads to it until somebody else has it, and
for 90 days nobody else gets it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import APPLICATION

revision = "0019_makers_and_slugs"
down_revision = "0018_mail_claims"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
FOLLOWING = """
    CREATE OR REPLACE FUNCTION follow_organization_slug() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND (OLD.slug IS DISTINCT FROM NEW.slug OR NEW.deleted_at IS NOT NULL) THEN
            UPDATE directory_entries SET released_at = clock_timestamp()
            WHERE kind = 'organization_slug' AND key = OLD.slug AND organization_id = OLD.id AND released_at IS NULL;
        END IF;
        IF NEW.deleted_at IS NULL THEN
            INSERT INTO directory_entries AS d (kind, key, organization_id) VALUES ('organization_slug', NEW.slug, NEW.id)
            ON CONFLICT (kind, key) DO UPDATE SET organization_id = excluded.organization_id, released_at = NULL
            WHERE d.organization_id = excluded.organization_id OR d.released_at < clock_timestamp() - interval '90 days';
            IF NOT FOUND THEN
                RAISE unique_violation USING MESSAGE = 'the slug is kept back', CONSTRAINT = 'uq_organizations_slug';
            END IF;
        END IF;
        RETURN NULL;
    END $$
"""
BEFORE = """
    CREATE OR REPLACE FUNCTION follow_organization_slug() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            DELETE FROM directory_entries WHERE kind = 'organization_slug' AND key = OLD.slug AND organization_id = OLD.id;
        END IF;
        IF NEW.deleted_at IS NULL THEN
            INSERT INTO directory_entries (kind, key, organization_id) VALUES ('organization_slug', NEW.slug, NEW.id);
        END IF;
        RETURN NULL;
    END $$
"""


@contextmanager
def every_row(*tables: str) -> Iterator[None]:
    """The owner's policy shows no row of a tenant: data move while it is not forced on the owner, in this transaction alone."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    for table in tables:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def upgrade() -> None:
    op.execute("ALTER TYPE webhooks_disabled_reason ADD VALUE IF NOT EXISTS 'MAKER_LEFT'")
    op.add_column("webhooks_subscriptions", sa.Column("maker_id", sa.Uuid()))
    with every_row("webhooks_subscriptions", "organizations"):
        op.execute("UPDATE webhooks_subscriptions s SET maker_id = o.owner_id FROM organizations o WHERE o.id = s.organization_id")
    op.alter_column("webhooks_subscriptions", "maker_id", nullable=False)
    op.create_foreign_key(
        op.f("fk_webhooks_subscriptions_maker_id"), "webhooks_subscriptions", "users", ["maker_id"], ["id"], ondelete="RESTRICT"
    )
    op.add_column("directory_entries", sa.Column("released_at", INSTANT))
    op.execute(f"GRANT UPDATE (organization_id, released_at) ON directory_entries TO {APPLICATION}")
    op.execute(FOLLOWING)


def downgrade() -> None:
    """A released slug is free again, and what was disabled for its maker's sake was disabled by hand."""
    op.execute(BEFORE)
    op.execute("DELETE FROM directory_entries WHERE released_at IS NOT NULL")
    op.execute(f"REVOKE UPDATE (organization_id, released_at) ON directory_entries FROM {APPLICATION}")
    op.drop_column("directory_entries", "released_at")
    op.drop_constraint(op.f("fk_webhooks_subscriptions_maker_id"), "webhooks_subscriptions", type_="foreignkey")
    op.drop_column("webhooks_subscriptions", "maker_id")
    with every_row("webhooks_subscriptions"):
        op.execute("UPDATE webhooks_subscriptions SET disabled_reason = 'MANUAL' WHERE disabled_reason::text = 'MAKER_LEFT'")
    op.execute("ALTER TYPE webhooks_disabled_reason RENAME TO webhooks_disabled_reason_before")
    pg.ENUM("MANUAL", "GONE", "FAILING", name="webhooks_disabled_reason").create(op.get_bind())
    op.execute(
        "ALTER TABLE webhooks_subscriptions ALTER COLUMN disabled_reason TYPE webhooks_disabled_reason"
        " USING disabled_reason::text::webhooks_disabled_reason"
    )
    op.execute("DROP TYPE webhooks_disabled_reason_before")
