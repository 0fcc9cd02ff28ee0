"""Organizations, users, members; the directory, the outbox, idempotency keys, data keys and the audit trail."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import APPLICATION, TENANT, let_sweep, protect, share

revision = "0001_kernel"
down_revision = None
branch_labels = None
depends_on = None

ENUMS = {
    "plan_type": ("FREE", "PRO", "BUSINESS"),
    "user_status": ("ACTIVE", "INACTIVE", "SUSPENDED"),
    "member_role": ("OWNER", "ADMIN", "MEMBER", "VIEWER"),
    "actor_type": ("USER", "API_KEY", "SYSTEM", "VISITOR"),
}
INSTANT = sa.DateTime(timezone=True)


def enum(name: str) -> pg.ENUM:
    return pg.ENUM(*ENUMS[name], name=name, create_type=False)


def upgrade() -> None:
    if not op.get_bind().scalar(sa.text("SELECT count(*) FROM pg_roles WHERE rolname = :name"), {"name": APPLICATION}):
        op.execute(f"CREATE ROLE {APPLICATION} NOLOGIN")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {APPLICATION}")
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute("CREATE EXTENSION IF NOT EXISTS citext")
    for name, values in ENUMS.items():
        pg.ENUM(*values, name=name).create(op.get_bind())
    _people()
    _machinery()
    _trail()
    op.execute(f"GRANT SELECT ON alembic_version TO {APPLICATION}")


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("email", pg.CITEXT()),
        sa.Column("username", pg.CITEXT()),
        sa.Column("name", sa.Text()),
        sa.Column("avatar_url", sa.Text()),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("status", enum("user_status"), nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.Column("email_verified_at", INSTANT),
        sa.Column("last_login_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("deleted_at", INSTANT),
    )
    op.create_index("uq_users_email", "users", ["email"], unique=True, postgresql_where=sa.text("deleted_at IS NULL"))
    op.create_index("uq_users_username", "users", ["username"], unique=True, postgresql_where=sa.text("deleted_at IS NULL"))
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("domain", sa.Text()),
        sa.Column("logo_url", sa.Text()),
        sa.Column("brand_color", sa.Text()),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("plan", enum("plan_type"), nullable=False),
        sa.Column("sso_enabled", sa.Boolean(), nullable=False),
        sa.Column("scim_enabled", sa.Boolean(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("deleted_at", INSTANT),
    )
    op.create_index("uq_organizations_slug", "organizations", ["slug"], unique=True, postgresql_where=sa.text("deleted_at IS NULL"))
    op.create_table(
        "organization_members",
        sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("role", enum("member_role"), nullable=False),
        sa.Column("joined_at", INSTANT, nullable=False),
        sa.UniqueConstraint("organization_id", "user_id"),
    )
    op.create_index("ix_organization_members_user_id", "organization_members", ["user_id"])
    protect(op, "organization_members")
    protect(op, "organizations", column="id")
    op.execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE users FORCE ROW LEVEL SECURITY")
    member = f"EXISTS (SELECT FROM organization_members m WHERE m.organization_id = {TENANT} AND m.user_id = users.id)"
    op.execute(f"CREATE POLICY colleague ON users USING ({member})")
    # A user is written before its first membership, in one transaction; it becomes visible with the membership.
    op.execute("CREATE POLICY newcomer ON users FOR INSERT WITH CHECK (true)")
    share(op, "users", "SELECT, INSERT, UPDATE")


def _machinery() -> None:
    op.create_table(
        "directory_entries",
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    )
    op.create_index("ix_directory_entries_organization_id", "directory_entries", ["organization_id"])
    share(op, "directory_entries", "SELECT, INSERT, DELETE")
    op.create_table(
        "outbox_events",
        sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("payload", pg.JSONB(), nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
    )
    op.create_index("ix_outbox_events_due_at", "outbox_events", ["due_at"])
    protect(op, "outbox_events")
    let_sweep(op, "outbox_events")
    op.create_table(
        "idempotency_keys",
        sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("scope", sa.Text(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger()),
        sa.Column("body", sa.Text()),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    protect(op, "idempotency_keys")
    let_sweep(op, "idempotency_keys")
    op.create_table(
        "organization_keys",
        sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT),
    )
    op.create_index(
        "uq_organization_keys_active", "organization_keys", ["organization_id"], unique=True, postgresql_where=sa.text("retired_at IS NULL")
    )
    protect(op, "organization_keys")


def _trail() -> None:
    op.create_table(
        "audit_logs",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor_type", enum("actor_type"), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("entity_type", sa.Text()),
        sa.Column("entity_id", sa.Uuid()),
        sa.Column("old_values", pg.JSONB()),
        sa.Column("new_values", pg.JSONB()),
        sa.Column("metadata", pg.JSONB()),
        sa.Column("room_id", sa.Uuid()),
        sa.Column("project_id", sa.Uuid()),
        sa.Column("team_id", sa.Uuid()),
        sa.Column("target_user_id", sa.Uuid()),
        sa.Column("ip_address", pg.INET()),
        sa.Column("user_agent", sa.Text()),
        sa.PrimaryKeyConstraint("organization_id", "id", "created_at"),
        postgresql_partition_by="RANGE (created_at)",
    )
    op.create_index("ix_audit_logs_organization_id_created_at_id", "audit_logs", ["organization_id", "created_at", "id"])
    op.create_index("ix_audit_logs_organization_id_entity_id", "audit_logs", ["organization_id", "entity_id"])
    protect(op, "audit_logs", grants="SELECT, INSERT")
    op.execute(
        """
        CREATE FUNCTION refuse_change_of_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'audit_logs is append-only' USING ERRCODE = '42501';
        END $$
        """
    )
    op.execute("CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_logs FOR EACH ROW EXECUTE FUNCTION refuse_change_of_evidence()")
    # The default partition takes what no month was made for, so that a late schedule loses no evidence. It takes the parent's policy
    # too: privileges are the parent's alone, and a direct reader would meet the same wall.
    op.execute("CREATE TABLE audit_logs_default PARTITION OF audit_logs DEFAULT")
    op.execute("ALTER TABLE audit_logs_default ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_logs_default FORCE ROW LEVEL SECURITY")
    op.execute(
        """
        CREATE FUNCTION make_audit_partitions(months_ahead integer) RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
        DECLARE
            first date := date_trunc('month', now() AT TIME ZONE 'UTC');
            month date;
            name text;
            made integer := 0;
        BEGIN
            FOR ahead IN 0..least(greatest(months_ahead, 0), 24) LOOP
                month := first + make_interval(months => ahead);
                name := 'audit_logs_' || to_char(month, 'YYYY_MM');
                IF to_regclass('public.' || name) IS NULL THEN
                    EXECUTE format('CREATE TABLE public.%I PARTITION OF public.audit_logs FOR VALUES FROM (%L) TO (%L)',
                        name, month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month')::timestamp AT TIME ZONE 'UTC');
                    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', name);
                    EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', name);
                    made := made + 1;
                END IF;
            END LOOP;
            RETURN made;
        END $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION make_audit_partitions(integer) FROM public")
    op.execute(f"GRANT EXECUTE ON FUNCTION make_audit_partitions(integer) TO {APPLICATION}")
    op.execute("SELECT make_audit_partitions(3)")


def downgrade() -> None:
    op.execute("DROP FUNCTION make_audit_partitions(integer)")
    op.execute("DROP TABLE audit_logs")
    op.execute("DROP FUNCTION refuse_change_of_evidence()")
    for table in ("organization_keys", "idempotency_keys", "outbox_events", "directory_entries"):
        op.drop_table(table)
    op.execute("DROP POLICY colleague ON users")
    for table in ("organization_members", "organizations", "users"):
        op.drop_table(table)
    for name in ENUMS:
        op.execute(f"DROP TYPE {name}")
