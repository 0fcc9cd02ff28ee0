"""People: teams, invitations, sessions and ways in; API keys; what is asked as a request begins."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import APPLICATION, PERSON, SECRET, TENANT, belong, protect, share

revision = "0005_identity"
down_revision = "0004_recordings"
branch_labels = None
depends_on = None

ENUMS = {
    "auth_provider_type": ("LOCAL", "GOOGLE", "GITHUB", "MICROSOFT", "APPLE", "SAML"),
    "invitation_status": ("PENDING", "ACCEPTED", "DECLINED", "EXPIRED"),
    "verification_kind": ("REGISTRATION", "EMAIL", "MAGIC_LINK", "PASSWORD_RESET", "SECOND_FACTOR"),
}
INSTANT = sa.DateTime(timezone=True)
OWNER = sa.text("role = 'OWNER'")
TABLES = (
    "request_counts", "api_keys", "storage_projects", "finished_log_ins", "sign_in_throttles", "recovery_codes", "user_totps",
    "verification_tokens", "refresh_tokens", "user_sessions", "auth_providers", "user_keys", "invitations", "team_members", "teams",
)  # fmt: skip


def enum(name: str) -> pg.ENUM:
    return pg.ENUM(*ENUMS.get(name, ()), name=name, create_type=False)


def instants() -> list[sa.Column[Any]]:
    return [sa.Column("created_at", INSTANT, nullable=False), sa.Column("updated_at", INSTANT, nullable=False)]


def tenant(*columns: sa.Column[Any] | sa.Constraint) -> list[sa.Column[Any] | sa.Constraint]:
    owner = sa.ForeignKey("organizations.id", ondelete="CASCADE")
    return [sa.Column("organization_id", sa.Uuid(), owner, primary_key=True), sa.Column("id", sa.Uuid(), primary_key=True), *columns]


def user(*, nullable: bool = False, ondelete: str = "CASCADE", name: str = "user_id") -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid(), sa.ForeignKey("users.id", ondelete=ondelete), nullable=nullable)


def inside(column: str, table: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete=ondelete)


def upgrade() -> None:
    for name, values in ENUMS.items():
        pg.ENUM(*values, name=name).create(op.get_bind())
    _widened()
    _organizations()
    _people()
    _keys()
    _asked()


def _widened() -> None:
    op.add_column("organizations", sa.Column("seat_limit", sa.Integer()))
    op.add_column("organizations", sa.Column("request_limit", sa.Integer()))
    op.add_column("users", sa.Column("last_organization_id", sa.Uuid()))
    op.add_column("users", sa.Column("password_changed_at", INSTANT))
    op.add_column("organization_members", sa.Column("deactivated_at", INSTANT))
    op.alter_column("directory_entries", "organization_id", nullable=True)
    op.add_column("directory_entries", user(nullable=True))
    op.create_index("ix_directory_entries_user_id", "directory_entries", ["user_id"])
    op.create_check_constraint(op.f("ck_directory_entries_one_owner"), "directory_entries", "num_nonnulls(organization_id, user_id) = 1")
    # The owner of the tables is under their policies too, and would see nobody.
    op.execute("ALTER TABLE users NO FORCE ROW LEVEL SECURITY")
    op.execute(
        """
        INSERT INTO directory_entries (kind, key, user_id)
        SELECT 'email', encode(sha256(convert_to(lower(btrim(email::text)), 'UTF8')), 'hex'), id FROM users
        WHERE email IS NOT NULL AND deleted_at IS NULL
        """
    )
    op.execute("ALTER TABLE users FORCE ROW LEVEL SECURITY")
    for table in ("outbox_events", "idempotency_keys"):
        op.drop_constraint(f"fk_{table}_organization_id", table, type_="foreignkey")
    nobodys = f"organization_id = '{UUID(int=0)}' AND right(scope, 36) = {PERSON}::text"
    op.execute(f"CREATE POLICY own_request ON idempotency_keys USING ({nobodys}) WITH CHECK ({nobodys})")
    op.create_index("uq_organization_members_owner", "organization_members", ["organization_id"], unique=True, postgresql_where=OWNER)
    # A person sees themself, where they belong, and which organizations those are.
    op.execute(f"CREATE POLICY oneself ON users USING (id = {PERSON})")
    op.execute(f"CREATE POLICY own_membership ON organization_members FOR SELECT USING (user_id = {PERSON})")
    membership = f"EXISTS (SELECT FROM organization_members m WHERE m.organization_id = organizations.id AND m.user_id = {PERSON})"
    op.execute(f"CREATE POLICY own_organization ON organizations FOR SELECT USING ({membership})")
    # What happens to a person before an organization is chosen is told to those that the person belongs to.
    evidence_membership = (
        f"EXISTS (SELECT FROM organization_members m WHERE m.organization_id = audit_logs.organization_id AND m.user_id = {PERSON})"
    )
    op.execute(f"CREATE POLICY own_evidence ON audit_logs FOR INSERT WITH CHECK ({evidence_membership})")


def _organizations() -> None:
    op.create_table(
        "teams",
        *tenant(
            sa.Column("name", sa.Text(), nullable=False),
            sa.Column("slug", sa.Text(), nullable=False),
            sa.Column("description", sa.Text()),
        ),
        *instants(),
        sa.Column("deleted_at", INSTANT),
    )
    op.create_index("uq_teams_slug", "teams", ["organization_id", "slug"], unique=True, postgresql_where=sa.text("deleted_at IS NULL"))
    op.create_table(
        "team_members",
        *tenant(
            sa.Column("team_id", sa.Uuid(), nullable=False),
            user(),
            sa.Column("role", enum("member_role"), nullable=False),
            sa.Column("joined_at", INSTANT, nullable=False),
            sa.UniqueConstraint("organization_id", "team_id", "user_id"),
            inside("team_id", "teams"),
            sa.ForeignKeyConstraint(
                ["organization_id", "user_id"],
                ["organization_members.organization_id", "organization_members.user_id"],
                ondelete="CASCADE",
            ),
        ),
    )
    op.create_index("ix_team_members_organization_id_user_id", "team_members", ["organization_id", "user_id"])
    op.create_table(
        "invitations",
        *tenant(
            sa.Column("email", pg.CITEXT(), nullable=False),
            sa.Column("team_id", sa.Uuid()),
            sa.Column("role", enum("member_role"), nullable=False),
            sa.Column("status", enum("invitation_status"), nullable=False),
            user(nullable=True, ondelete="SET NULL", name="invited_by"),
            sa.Column("token_hash", sa.Text(), nullable=False),
            sa.Column("expires_at", INSTANT, nullable=False),
            sa.Column("accepted_at", INSTANT),
            sa.Column("mailed_at", INSTANT),
            sa.UniqueConstraint("organization_id", "token_hash"),
            inside("team_id", "teams"),
        ),
        *instants(),
    )
    op.create_index(
        "uq_invitations_pending",
        "invitations",
        ["organization_id", "email", "team_id"],
        unique=True,
        postgresql_where=sa.text("status = 'PENDING'"),
        postgresql_nulls_not_distinct=True,
    )
    for table in ("teams", "team_members", "invitations"):
        protect(op, table)


def _people() -> None:
    op.create_table(
        "user_keys",
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT),
    )
    op.create_index("uq_user_keys_active", "user_keys", ["user_id"], unique=True, postgresql_where=sa.text("retired_at IS NULL"))
    op.create_table(
        "auth_providers",
        sa.Column("id", sa.Uuid(), primary_key=True),
        user(),
        sa.Column("provider_type", enum("auth_provider_type"), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("provider_email", pg.CITEXT()),
        sa.Column("access_token", sa.LargeBinary()),
        sa.Column("refresh_token", sa.LargeBinary()),
        sa.Column("token_expires_at", INSTANT),
        sa.Column("metadata", pg.JSONB()),
        sa.Column("last_used_at", INSTANT),
        *instants(),
        sa.UniqueConstraint("provider_type", "provider_id"),
    )
    op.create_index("ix_auth_providers_user_id", "auth_providers", ["user_id"])
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        user(),
        sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE")),
        sa.Column("methods", pg.JSONB(), nullable=False),
        sa.Column("ip_address", pg.INET()),
        sa.Column("user_agent", sa.Text()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_used_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.Column("revoked_because", sa.Text()),
    )
    op.create_index("ix_user_sessions_user_id", "user_sessions", ["user_id"])
    op.create_index("ix_user_sessions_organization_id_user_id", "user_sessions", ["organization_id", "user_id"])
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.Uuid(), primary_key=True),
        user(),
        sa.Column("family_id", sa.Uuid(), sa.ForeignKey("user_sessions.id", ondelete="CASCADE"), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("replaced_by", sa.Uuid()),
        sa.Column("replaced_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("ix_refresh_tokens_user_id", "refresh_tokens", ["user_id"])
    op.create_index("ix_refresh_tokens_family_id", "refresh_tokens", ["family_id"])
    op.create_table(
        "user_totps",
        sa.Column("id", sa.Uuid(), primary_key=True),
        user(),
        sa.Column("secret", sa.LargeBinary()),
        sa.Column("confirmed_at", INSTANT),
        sa.Column("last_step", sa.Integer(), nullable=False),
        *instants(),
        sa.UniqueConstraint("user_id"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Uuid(), primary_key=True),
        user(),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("used_at", INSTANT),
        sa.UniqueConstraint("user_id", "code_hash"),
    )
    for table in ("user_keys", "auth_providers", "user_sessions", "refresh_tokens", "user_totps", "recovery_codes"):
        belong(op, table, sweeps=table == "user_sessions")
    # An organization ends the sessions of those who work for it; it starts none.
    op.execute(f"CREATE POLICY tenant_reads ON user_sessions FOR SELECT USING (organization_id = {TENANT})")
    op.execute(f"CREATE POLICY tenant_ends ON user_sessions FOR UPDATE USING (organization_id = {TENANT})")
    op.create_table(
        "verification_tokens",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("kind", enum("verification_kind"), nullable=False),
        user(nullable=True),
        sa.Column("email", pg.CITEXT(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("wanted", pg.JSONB()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.Column("used_at", INSTANT),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("ix_verification_tokens_user_id", "verification_tokens", ["user_id"])
    op.create_index("ix_verification_tokens_expires_at", "verification_tokens", ["expires_at"])
    belong(op, "verification_tokens", sweeps=True)
    op.execute(f"CREATE POLICY bearer ON verification_tokens USING (token_hash = {SECRET})")
    op.execute("CREATE POLICY newcomer ON verification_tokens FOR INSERT WITH CHECK (true)")
    op.create_table(
        "sign_in_throttles",
        sa.Column("subject", sa.Text(), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failed_at", INSTANT, nullable=False),
        sa.Column("blocked_until", INSTANT),
    )
    op.create_index("ix_sign_in_throttles_last_failed_at", "sign_in_throttles", ["last_failed_at"])
    share(op, "sign_in_throttles")
    op.create_table(
        "finished_log_ins",
        sa.Column("state_hash", sa.Text(), primary_key=True),
        sa.Column("finished_at", INSTANT, nullable=False),
    )
    op.create_index("ix_finished_log_ins_finished_at", "finished_log_ins", ["finished_at"])
    share(op, "finished_log_ins")


def _keys() -> None:
    op.create_table(
        "storage_projects",
        *tenant(
            sa.Column("team_id", sa.Uuid()),
            user(ondelete="RESTRICT", name="owner_id"),
            sa.Column("name", sa.Text(), nullable=False),
            sa.Column("slug", sa.Text(), nullable=False),
            sa.Column("description", sa.Text()),
            inside("team_id", "teams", "NO ACTION"),
        ),
        *instants(),
        sa.Column("deleted_at", INSTANT),
    )
    living = sa.text("deleted_at IS NULL")
    op.create_index("uq_storage_projects_slug", "storage_projects", ["organization_id", "slug"], unique=True, postgresql_where=living)
    op.create_table(
        "api_keys",
        *tenant(
            sa.Column("project_id", sa.Uuid()),
            user(),
            sa.Column("label", sa.Text(), nullable=False),
            sa.Column("key_hash", sa.Text(), nullable=False),
            sa.Column("prefix", sa.Text(), nullable=False),
            sa.Column("permissions", pg.JSONB(), nullable=False),
            sa.Column("request_limit", sa.Integer()),
            sa.Column("last_used_at", INSTANT),
            sa.Column("expires_at", INSTANT),
            sa.Column("revoked_at", INSTANT),
            sa.Column("replaces_id", sa.Uuid()),
            sa.Column("made_with_id", sa.Uuid()),
            sa.UniqueConstraint("organization_id", "replaces_id"),
            sa.UniqueConstraint("organization_id", "key_hash"),
            inside("project_id", "storage_projects"),
        ),
        *instants(),
    )
    op.create_index("ix_api_keys_organization_id_user_id", "api_keys", ["organization_id", "user_id"])
    op.create_index("ix_api_keys_organization_id_project_id", "api_keys", ["organization_id", "project_id"])
    op.create_table(
        "request_counts",
        sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("subject_id", sa.Uuid(), primary_key=True),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        prefixes=["UNLOGGED"],
    )
    op.execute("ALTER TABLE request_counts SET (fillfactor = 50)")
    for table in ("storage_projects", "api_keys", "request_counts"):
        protect(op, table)


def _asked() -> None:
    """The question of parley.kernel.access.admission. SECURITY INVOKER: it sees what the caller's tenant sees."""
    op.execute(
        f"""
        CREATE FUNCTION count_request(subject uuid, OUT used integer, OUT resets_in integer) LANGUAGE sql AS $$
            INSERT INTO request_counts AS c (organization_id, subject_id, started_at, requests)
            VALUES ({TENANT}, subject, clock_timestamp(), 1)
            ON CONFLICT (organization_id, subject_id) DO UPDATE SET
                requests = CASE WHEN c.started_at > excluded.started_at - interval '60 s' THEN c.requests + 1 ELSE 1 END,
                started_at = CASE WHEN c.started_at > excluded.started_at - interval '60 s' THEN c.started_at ELSE excluded.started_at END
            RETURNING requests, ceil(extract(epoch FROM started_at + interval '60 s' - clock_timestamp()))::integer
        $$
        """
    )
    op.execute(
        f"""
        CREATE FUNCTION admit(
            kind text, actor uuid, session uuid, known_roles text, limits jsonb,
            OUT verdict text, OUT policy text, OUT quota integer, OUT used integer, OUT resets_in integer
        ) LANGUAGE plpgsql AS $$
        DECLARE
            organization record;
            key record;
            person uuid := actor;
            member_role text;
            plan_quota integer;
            counted record;
        BEGIN
            SELECT o.id, o.plan::text AS plan, o.request_limit INTO organization FROM organizations o
            WHERE o.id = {TENANT} AND o.deleted_at IS NULL;
            IF NOT FOUND THEN
                verdict := 'not_a_member'; RETURN;
            END IF;
            IF kind = 'API_KEY' THEN
                SELECT k.user_id, k.request_limit, k.last_used_at INTO key FROM api_keys k
                WHERE k.organization_id = {TENANT} AND k.id = actor AND k.revoked_at IS NULL
                    AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
                    AND (k.project_id IS NULL OR EXISTS (
                        SELECT FROM storage_projects p
                        WHERE p.organization_id = {TENANT} AND p.id = k.project_id AND p.deleted_at IS NULL
                    ));
                IF NOT FOUND THEN
                    verdict := 'key_revoked'; RETURN;
                END IF;
                IF NOT coalesce((limits -> organization.plan ->> 'api')::boolean, false) THEN
                    verdict := 'no_api_access'; RETURN;
                END IF;
                person := key.user_id;
            END IF;
            SELECT m.role::text INTO member_role FROM organization_members m JOIN users u ON u.id = m.user_id
            WHERE m.organization_id = {TENANT} AND m.user_id = person
                AND m.deactivated_at IS NULL AND u.status = 'ACTIVE' AND u.deleted_at IS NULL;
            IF NOT FOUND THEN
                verdict := CASE WHEN kind = 'API_KEY' THEN 'key_revoked' ELSE 'not_a_member' END; RETURN;
            END IF;
            IF session IS NOT NULL AND NOT EXISTS (
                SELECT FROM user_sessions s WHERE s.id = session AND s.user_id = actor AND s.organization_id = {TENANT}
                    AND s.revoked_at IS NULL
            ) THEN
                verdict := 'session_ended'; RETURN;
            END IF;
            IF NOT member_role = ANY (string_to_array(known_roles, ' ')) THEN
                verdict := 'rights_changed'; RETURN;
            END IF;
            verdict := 'admitted';
            IF kind = 'API_KEY' THEN
                -- Once a minute, and never waiting for who holds the row.
                IF key.last_used_at IS NULL OR key.last_used_at < clock_timestamp() - interval '60 s' THEN
                    UPDATE api_keys k SET last_used_at = clock_timestamp() WHERE k.organization_id = {TENANT} AND k.id IN (
                        SELECT l.id FROM api_keys l WHERE l.organization_id = {TENANT} AND l.id = actor FOR NO KEY UPDATE SKIP LOCKED
                    );
                END IF;
                -- The key's own limit first: what it refuses takes nothing from the others of the organization.
                IF key.request_limit IS NOT NULL THEN
                    policy := 'key'; quota := key.request_limit;
                    SELECT c.used, c.resets_in INTO used, resets_in FROM count_request(actor) c;
                    IF used > quota THEN
                        RETURN;
                    END IF;
                END IF;
            END IF;
            plan_quota := coalesce(organization.request_limit, (limits -> organization.plan ->> 'minute')::integer);
            SELECT c.used, c.resets_in INTO counted FROM count_request({TENANT}) c;
            IF policy IS NULL OR plan_quota - counted.used < quota - used THEN
                policy := 'plan'; quota := plan_quota; used := counted.used; resets_in := counted.resets_in;
            END IF;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION admit_person(
            person uuid, session uuid,
            OUT verdict text, OUT policy text, OUT quota integer, OUT used integer, OUT resets_in integer
        ) LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (SELECT FROM users u WHERE u.id = person AND u.status = 'ACTIVE' AND u.deleted_at IS NULL) OR (
                session IS NOT NULL
                AND NOT EXISTS (SELECT FROM user_sessions s WHERE s.id = session AND s.user_id = person AND s.revoked_at IS NULL)
            ) THEN
                verdict := 'session_ended'; RETURN;
            END IF;
            -- An organization's identity provider opened it (parley.identity.sessions.single_sign_on).
            IF EXISTS (SELECT FROM user_sessions s WHERE s.id = session AND s.methods @> '["saml"]') THEN
                verdict := 'of_one_organization'; RETURN;
            END IF;
            verdict := 'admitted';
        END $$
        """
    )
    for function in ("count_request(uuid)", "admit(text, uuid, uuid, text, jsonb)", "admit_person(uuid, uuid)"):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM public")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {APPLICATION}")


def downgrade() -> None:
    for function in ("admit_person(uuid, uuid)", "admit(text, uuid, uuid, text, jsonb)", "count_request(uuid)"):
        op.execute(f"DROP FUNCTION {function}")
    for table in TABLES:
        op.drop_table(table)
    for policy, table in (
        ("own_request", "idempotency_keys"), ("own_evidence", "audit_logs"), ("own_organization", "organizations"),
        ("own_membership", "organization_members"), ("oneself", "users"),
    ):  # fmt: skip
        op.execute(f"DROP POLICY {policy} ON {table}")
    op.drop_index("uq_organization_members_owner", "organization_members")
    for table in ("outbox_events", "idempotency_keys"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"DELETE FROM {table} WHERE organization_id = '00000000-0000-0000-0000-000000000000'")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.create_foreign_key(f"fk_{table}_organization_id", table, "organizations", ["organization_id"], ["id"], ondelete="CASCADE")
    op.execute("DELETE FROM directory_entries WHERE organization_id IS NULL")
    op.drop_constraint(op.f("ck_directory_entries_one_owner"), "directory_entries", type_="check")
    op.drop_column("directory_entries", "user_id")
    op.alter_column("directory_entries", "organization_id", nullable=False)
    op.drop_column("organization_members", "deactivated_at")
    op.drop_column("users", "password_changed_at")
    op.drop_column("users", "last_organization_id")
    op.drop_column("organizations", "request_limit")
    op.drop_column("organizations", "seat_limit")
    for name in ENUMS:
        op.execute(f"DROP TYPE {name}")
