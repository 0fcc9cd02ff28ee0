"""Addresses and numbers that workflows name, and whether they have agreed. Those that are named today stay as they are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import protect

revision = "0031_address_agreements"
down_revision = "0030_address_proofs"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLE = "scheduling_address_agreements"
STATUSES = ("PENDING", "AGREED", "STOPPED")


def upgrade() -> None:
    pg.ENUM(*STATUSES, name="scheduling_agreement_status").create(op.get_bind())
    op.create_table(
        TABLE,
        sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("channel", pg.ENUM(name="scheduling_notification_channel", create_type=False), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("status", pg.ENUM(*STATUSES, name="scheduling_agreement_status", create_type=False), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("mailed_at", INSTANT),
        sa.Column("decided_at", INSTANT),
        sa.UniqueConstraint("organization_id", "channel", "address", name="uq_scheduling_address_agreements_address"),
    )
    op.execute("ALTER TABLE scheduling_workflows NO FORCE ROW LEVEL SECURITY")
    op.execute(
        f"""INSERT INTO {TABLE} (organization_id, id, channel, address, status, asked_at, mailed_at, decided_at)
        SELECT DISTINCT ON (w.organization_id, w.channel, lower(a)) w.organization_id, gen_random_uuid(), w.channel, lower(a),
            'AGREED'::scheduling_agreement_status, now(), now(), now()
        FROM scheduling_workflows w, unnest(w.addresses) AS a WHERE w.deleted_at IS NULL AND w.channel <> 'WEBHOOK'"""
    )
    op.execute("ALTER TABLE scheduling_workflows FORCE ROW LEVEL SECURITY")
    protect(op, TABLE)


def downgrade() -> None:
    op.drop_table(TABLE)
    op.execute("DROP TYPE scheduling_agreement_status")
