"""Addresses and programs that stand in the trail move beside it, as far as they are younger than 90 days; older ones end."""

from alembic import op

revision = "0034_origins_out_of_the_trail"
down_revision = "0033_audit_origins"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        INSERT INTO audit_origins (organization_id, id, created_at, person_id, ip_address, user_agent)
        SELECT a.organization_id, a.id, a.created_at, CASE WHEN a.actor_type = 'USER' THEN a.actor_id END, a.ip_address, a.user_agent
        FROM audit_logs a
        WHERE (a.ip_address IS NOT NULL OR a.user_agent IS NOT NULL) AND a.created_at > now() - interval '90 days'
        """
    )
    # Of accounts and invitees that are gone nothing moves along.
    op.execute("DELETE FROM audit_origins o USING users u WHERE u.id = o.person_id AND u.deleted_at IS NOT NULL")
    op.execute(
        """
        DELETE FROM audit_origins o USING audit_logs a, scheduling_bookings b, scheduling_invitees i
        WHERE a.organization_id = o.organization_id AND a.id = o.id AND a.actor_type = 'VISITOR'
          AND b.organization_id = a.organization_id AND b.id = a.entity_id
          AND i.organization_id = b.organization_id AND i.id = b.invitee_id AND i.erased_at IS NOT NULL
        """
    )
    op.execute("UPDATE audit_logs SET ip_address = NULL, user_agent = NULL WHERE ip_address IS NOT NULL OR user_agent IS NOT NULL")
    op.execute(
        """
        CREATE OR REPLACE FUNCTION refuse_change_of_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'audit_logs is append-only' USING ERRCODE = '42501';
        END $$
        """
    )
    for table in ("audit_logs", "audit_origins", "users", "scheduling_bookings", "scheduling_invitees"):
        op.execute(f"DROP POLICY moving ON {table}")


def downgrade() -> None:
    """What moved stays moved: nothing reads it in the trail."""
