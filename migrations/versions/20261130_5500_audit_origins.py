"""Where an audited act came from stands beside the trail, which can't be changed: it leaves after 90 days, or with the person."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import PERSON, let_sweep, protect

revision = "0033_audit_origins"
down_revision = "0032_webhooks_verified"
branch_labels = None
depends_on = None

MOVING = ("audit_logs", "audit_origins", "users", "scheduling_bookings", "scheduling_invitees")


def upgrade() -> None:
    op.create_table(
        "audit_origins",
        sa.Column("organization_id", sa.Uuid(), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.Uuid()),
        sa.Column("ip_address", pg.INET()),
        sa.Column("user_agent", sa.Text()),
    )
    op.create_index("ix_audit_origins_person_id", "audit_origins", ["person_id"])
    op.create_index("ix_audit_origins_created_at", "audit_origins", ["created_at"])
    protect(op, "audit_origins", grants="SELECT, INSERT, DELETE")
    let_sweep(op, "audit_origins")
    # A person's own go in whatever organization they are; and who may tell an organization something may tell where from.
    for verb in ("SELECT", "DELETE"):
        op.execute(f"CREATE POLICY oneself_{verb.lower()} ON audit_origins FOR {verb} USING (person_id = {PERSON})")
    membership = (
        f"EXISTS (SELECT FROM organization_members m WHERE m.organization_id = audit_origins.organization_id AND m.user_id = {PERSON})"
    )
    op.execute(f"CREATE POLICY own_evidence ON audit_origins FOR INSERT WITH CHECK ({membership})")
    # What the release before still writes into the trail while this one is deployed goes the same way.
    op.execute(
        """
        CREATE FUNCTION set_origin_beside() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO audit_origins (organization_id, id, created_at, person_id, ip_address, user_agent)
            VALUES (NEW.organization_id, NEW.id, NEW.created_at, CASE WHEN NEW.actor_type = 'USER' THEN NEW.actor_id END,
                NEW.ip_address, NEW.user_agent);
            NEW.ip_address := NULL;
            NEW.user_agent := NULL;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER origin_beside BEFORE INSERT ON audit_logs FOR EACH ROW "
        "WHEN (NEW.ip_address IS NOT NULL OR NEW.user_agent IS NOT NULL) EXECUTE FUNCTION set_origin_beside()"
    )
    # For the next revision, which moves what is there: the owner sees these tables, and may empty two columns of the trail. Said here and
    # not there, for it needs each table to itself for a moment, and moving takes long.
    for table in MOVING:
        op.execute(f"CREATE POLICY moving ON {table} TO CURRENT_USER USING (true)")
    op.execute(
        """
        CREATE OR REPLACE FUNCTION refuse_change_of_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' THEN
                OLD.ip_address := NULL;
                OLD.user_agent := NULL;
                IF NEW IS NOT DISTINCT FROM OLD THEN
                    RETURN NEW;
                END IF;
            END IF;
            RAISE EXCEPTION 'audit_logs is append-only' USING ERRCODE = '42501';
        END $$
        """
    )


def downgrade() -> None:
    op.execute(
        """
        CREATE OR REPLACE FUNCTION refuse_change_of_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'audit_logs is append-only' USING ERRCODE = '42501';
        END $$
        """
    )
    for table in MOVING:
        op.execute(f"DROP POLICY IF EXISTS moving ON {table}")
    op.execute("DROP TRIGGER origin_beside ON audit_logs")
    op.execute("DROP FUNCTION set_origin_beside()")
    op.drop_table("audit_origins")
