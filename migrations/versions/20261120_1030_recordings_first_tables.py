"""The first tables of recordings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from parley.kernel.postgres.row_level_security import protect

revision = "0004_recordings"
down_revision = "0003_inbox"
branch_labels = None
depends_on = None

ENUMS = {
    "recordings_meeting_platform": ("TEAMS", "SLACK", "YOUTUBE"),
    "recordings_meeting_status": ("PENDING", "RECORDING", "PROCESSING", "READY", "FAILED"),
    "recordings_recording_status": ("STARTED", "IN_PROGRESS", "STOPPED", "FAILED", "PROCESSING", "READY"),
    "recordings_encoding_status": ("PENDING", "PROCESSING", "READY", "FAILED"),
    "recordings_upload_status": ("PENDING", "COMPLETED", "REJECTED", "SUPERSEDED", "ABORTED"),
}
TABLES = ("recordings_bot_accounts", "recordings_meetings", "recordings_recordings", "recordings_uploads")
INSTANT = sa.DateTime(timezone=True)


def enum(name: str) -> pg.ENUM:
    return pg.ENUM(*ENUMS[name], name=name, create_type=False)


def table(name: str, *columns: sa.schema.SchemaItem, deleted: bool = False) -> None:
    """A tenant table: its key, its columns, its times."""
    op.create_table(
        name,
        sa.Column("organization_id", sa.Uuid(), sa.ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        *columns,
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        *([sa.Column("deleted_at", INSTANT)] if deleted else []),
    )


def parent(column: str, of: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["organization_id", column], [f"{of}.organization_id", f"{of}.id"], ondelete=ondelete)


def upgrade() -> None:
    for name, values in ENUMS.items():
        pg.ENUM(*values, name=name).create(op.get_bind())
    _meetings()
    _recordings()
    for name in TABLES:
        protect(op, name)


def _meetings() -> None:
    table(
        "recordings_bot_accounts",
        sa.Column("platform", enum("recordings_meeting_platform"), nullable=False),
        sa.Column("credentials", sa.LargeBinary(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
    )
    table(
        "recordings_meetings",
        sa.Column("bot_account_id", sa.Uuid()),
        sa.Column("platform", enum("recordings_meeting_platform"), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("scheduled_start", INSTANT, nullable=False),
        sa.Column("scheduled_end", INSTANT),
        sa.Column("duration", sa.Integer()),
        sa.Column("status", enum("recordings_meeting_status"), nullable=False),
        sa.Column("container_id", sa.Text()),
        sa.Column("error", sa.Text()),
        parent("bot_account_id", "recordings_bot_accounts", "NO ACTION"),
        sa.CheckConstraint("scheduled_end > scheduled_start", name="ends_after_start"),
    )
    op.create_index("ix_recordings_meetings_scheduled_start", "recordings_meetings", ["organization_id", "scheduled_start", "id"])
    op.create_index("ix_recordings_meetings_bot_account_id", "recordings_meetings", ["organization_id", "bot_account_id"])


def _recordings() -> None:
    table(
        "recordings_recordings",
        sa.Column("meeting_id", sa.Uuid()),
        sa.Column("room_id", sa.Uuid()),
        sa.Column("owner_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="RESTRICT")),
        sa.Column("raw_key", sa.Text()),
        sa.Column("raw_size_bytes", sa.BigInteger()),
        sa.Column("raw_content_type", sa.Text()),
        sa.Column("raw_sequencer", sa.Text(collation="C")),
        sa.Column("encoded_key", sa.Text()),
        sa.Column("encoded_size_bytes", sa.BigInteger()),
        sa.Column("har_key", sa.Text()),
        sa.Column("status", enum("recordings_recording_status")),
        sa.Column("encoding_status", enum("recordings_encoding_status"), nullable=False),
        sa.Column("encoding_error", sa.Text()),
        sa.Column("codec", sa.Text()),
        sa.Column("resolution", sa.Text()),
        sa.Column("fps", sa.Float()),
        sa.Column("bitrate", sa.Integer()),
        sa.Column("duration_seconds", sa.Integer()),
        sa.Column("retry_count", sa.SmallInteger(), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("metadata", pg.JSONB(), nullable=False),
        parent("meeting_id", "recordings_meetings"),
        sa.CheckConstraint("num_nonnulls(meeting_id, room_id) = 1", name="one_source"),
        sa.CheckConstraint("(raw_key IS NULL) = (raw_size_bytes IS NULL)", name="raw_whole"),
        deleted=True,
    )
    op.create_index(
        "uq_recordings_recordings_meeting_id",
        "recordings_recordings",
        ["organization_id", "meeting_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index("ix_recordings_recordings_room_id", "recordings_recordings", ["organization_id", "room_id"])
    op.create_index("ix_recordings_recordings_owner_id", "recordings_recordings", ["organization_id", "owner_id"])
    table(
        "recordings_uploads",
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("multipart_id", sa.Text()),
        sa.Column("status", enum("recordings_upload_status"), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("expires_at", INSTANT, nullable=False),
        parent("recording_id", "recordings_recordings"),
        sa.UniqueConstraint("organization_id", "key", name="uq_recordings_uploads_key"),
        sa.CheckConstraint("size_bytes > 0", name="size_bytes_positive"),
    )
    op.create_index("ix_recordings_uploads_recording_id", "recordings_uploads", ["organization_id", "recording_id"])


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)
    for name in ENUMS:
        op.execute(f"DROP TYPE {name}")
