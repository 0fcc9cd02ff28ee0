"""The first tables of inbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import let_sweep, protect

revision = "0003_inbox"
down_revision = "0002_scheduling"
branch_labels = None
depends_on = None

ENUMS = {
    "inbox_platform": ("WHATSAPP", "FACEBOOK", "TIKTOK"),
    "inbox_connection_status": ("ACTIVE", "EXPIRED", "ERROR", "DISCONNECTED"),
    "inbox_conversation_status": ("OPEN", "CLOSED", "ARCHIVED"),
    "inbox_message_direction": ("INBOUND", "OUTBOUND"),
    "inbox_content_type": ("TEXT", "IMAGE", "VIDEO", "AUDIO", "FILE", "STICKER", "LOCATION"),
    "inbox_message_status": ("PENDING", "SENT", "DELIVERED", "READ", "FAILED"),
    "inbox_change_kind": ("REACTION", "EDIT", "REVOKE"),
}
TABLES = (
    "inbox_connections",
    "inbox_conversations",
    "inbox_contact_keys",
    "inbox_messages",
    "inbox_receipts",
    "inbox_message_changes",
)
INSTANT = sa.DateTime(timezone=True)
LADDER = """
CASE
    WHEN (direction = 'INBOUND'::inbox_message_direction) THEN 'DELIVERED'::inbox_message_status
    WHEN (read_at IS NOT NULL) THEN 'READ'::inbox_message_status
    WHEN (delivered_at IS NOT NULL) THEN 'DELIVERED'::inbox_message_status
    WHEN (failed_at IS NOT NULL) THEN 'FAILED'::inbox_message_status
    WHEN (sent_at IS NOT NULL) THEN 'SENT'::inbox_message_status
    ELSE 'PENDING'::inbox_message_status
END
"""


def enum(name: str) -> pg.ENUM:
    return pg.ENUM(*ENUMS[name], name=name, create_type=False)


def organization() -> sa.Column[object]:
    return sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True)


def key() -> tuple[sa.Column[object], ...]:
    return organization(), sa.Column("id", sa.Uuid(), primary_key=True)


def parent(column: str, table: str, *, deferrable: bool | None = None, initially: str | None = None) -> sa.ForeignKeyConstraint:
    referred = [f"{table}.organization_id", f"{table}.id"]
    return sa.ForeignKeyConstraint(["organization_id", column], referred, ondelete="CASCADE", deferrable=deferrable, initially=initially)


def timestamps() -> tuple[sa.Column[object], ...]:
    return sa.Column("created_at", INSTANT, nullable=False), sa.Column("updated_at", INSTANT, nullable=False)


def upgrade() -> None:
    for name, values in ENUMS.items():
        pg.ENUM(*values, name=name).create(op.get_bind())
    _conversations()
    _messages()
    _told_later()
    for table in TABLES:
        protect(op, table)
    let_sweep(op, "inbox_receipts")


def _conversations() -> None:
    op.create_table(
        "inbox_connections",
        *key(),
        sa.Column("platform", enum("inbox_platform"), nullable=False),
        sa.Column("platform_user_id", sa.Text(), nullable=False),
        sa.Column("username", sa.Text()),
        sa.Column("display_name", sa.Text()),
        sa.Column("access_token", sa.LargeBinary(), nullable=False),
        sa.Column("refresh_token", sa.LargeBinary()),
        sa.Column("token_expires_at", INSTANT),
        sa.Column("status", enum("inbox_connection_status"), nullable=False),
        sa.Column("last_sync_at", INSTANT),
        sa.Column("error_message", sa.Text()),
        *timestamps(),
        sa.UniqueConstraint("organization_id", "platform", "platform_user_id", name="uq_inbox_connections_platform_user_id"),
    )
    op.create_table(
        "inbox_conversations",
        *key(),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("platform", enum("inbox_platform"), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("external_thread_id", sa.Text()),
        sa.Column("contact_external_id", sa.Text(), nullable=False),
        sa.Column("contact_name", sa.Text()),
        sa.Column("contact_username", sa.Text()),
        sa.Column("contact_avatar_url", sa.Text()),
        sa.Column("last_message_preview", sa.Text()),
        sa.Column("last_message_at", INSTANT, nullable=False),
        sa.Column("unread_count", sa.Integer(), nullable=False),
        sa.Column("status", enum("inbox_conversation_status"), nullable=False),
        *timestamps(),
        parent("connection_id", "inbox_connections"),
        sa.UniqueConstraint("organization_id", "connection_id", "external_id"),
    )
    activity = ["last_message_at", "id"]
    op.create_index("ix_inbox_conversations_organization_id_last_message_at", "inbox_conversations", ["organization_id", *activity])
    op.create_index(
        "ix_inbox_conversations_organization_id_connection_id", "inbox_conversations", ["organization_id", "connection_id", *activity]
    )
    op.create_index(
        "ix_inbox_conversations_organization_id_unread",
        "inbox_conversations",
        ["organization_id", *activity],
        postgresql_where=sa.text("unread_count > 0"),
    )
    op.create_table(
        "inbox_contact_keys",
        organization(),
        sa.Column("connection_id", sa.Uuid(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        parent("conversation_id", "inbox_conversations", deferrable=True, initially="DEFERRED"),
    )
    op.create_index("ix_inbox_contact_keys_organization_id_conversation_id", "inbox_contact_keys", ["organization_id", "conversation_id"])


def _messages() -> None:
    op.create_table(
        "inbox_messages",
        *key(),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text()),
        sa.Column("direction", enum("inbox_message_direction"), nullable=False),
        sa.Column("content", sa.Text()),
        sa.Column("content_type", enum("inbox_content_type"), nullable=False),
        sa.Column("media_url", sa.Text()),
        sa.Column("media_type", sa.Text()),
        sa.Column("media_thumbnail", sa.Text()),
        sa.Column("reactions", pg.JSONB(), nullable=False),
        sa.Column("status", enum("inbox_message_status"), sa.Computed(LADDER.strip(), persisted=True), nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.Column("delivered_at", INSTANT),
        sa.Column("read_at", INSTANT),
        sa.Column("failed_at", INSTANT),
        sa.Column("error", pg.JSONB()),
        sa.Column("sent_by_user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="SET NULL")),
        sa.Column("edited_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.Column("platform_timestamp", INSTANT, nullable=False),
        sa.Column("payload", pg.JSONB(), nullable=False),
        *timestamps(),
        parent("conversation_id", "inbox_conversations"),
        sa.UniqueConstraint("organization_id", "connection_id", "external_id"),
    )
    op.create_index(
        "ix_inbox_messages_organization_id_conversation_id",
        "inbox_messages",
        ["organization_id", "conversation_id", "platform_timestamp", "id"],
    )
    op.create_index(
        "ix_inbox_messages_organization_id_sent_by_user_id",
        "inbox_messages",
        ["organization_id", "sent_by_user_id"],
        postgresql_where=sa.text("sent_by_user_id IS NOT NULL"),
    )


def _told_later() -> None:
    op.create_table(
        "inbox_receipts",
        organization(),
        sa.Column("connection_id", sa.Uuid(), primary_key=True),
        sa.Column("external_id", sa.Text(), primary_key=True),
        sa.Column("sent_at", INSTANT),
        sa.Column("delivered_at", INSTANT),
        sa.Column("read_at", INSTANT),
        sa.Column("failed_at", INSTANT),
        sa.Column("error", pg.JSONB()),
        sa.Column("arrived_at", INSTANT, nullable=False),
        parent("connection_id", "inbox_connections"),
    )
    op.create_index("ix_inbox_receipts_arrived_at", "inbox_receipts", ["arrived_at"])
    op.create_table(
        "inbox_message_changes",
        *key(),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("target_external_id", sa.Text(), nullable=False),
        sa.Column("kind", enum("inbox_change_kind"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("content", sa.Text()),
        sa.Column("platform_timestamp", INSTANT, nullable=False),
        sa.Column("payload", pg.JSONB(), nullable=False),
        parent("connection_id", "inbox_connections"),
        sa.UniqueConstraint("organization_id", "connection_id", "external_id"),
    )
    op.create_index(
        "ix_inbox_message_changes_organization_id_target",
        "inbox_message_changes",
        ["organization_id", "connection_id", "target_external_id"],
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for name in ENUMS:
        op.execute(f"DROP TYPE {name}")
