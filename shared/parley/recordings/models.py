"""Tables of recordings: bot accounts, meetings, recordings, and the uploads that bring a recording's bytes."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, SmallInteger, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from parley.kernel.persistence.base_models import Base, SoftDeleted, Tenant, Timestamps, native_enum, tenant_key
from parley.kernel.persistence.column_encryption import Sealed, SealedText

SEQUENCER_WIDTH = 64


class MeetingPlatform(StrEnum):
    TEAMS = "TEAMS"
    SLACK = "SLACK"
    YOUTUBE = "YOUTUBE"


class MeetingStatus(StrEnum):
    PENDING = "PENDING"
    RECORDING = "RECORDING"
    PROCESSING = "PROCESSING"
    READY = "READY"
    FAILED = "FAILED"


class RecordingStatus(StrEnum):
    STARTED = "STARTED"
    IN_PROGRESS = "IN_PROGRESS"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    PROCESSING = "PROCESSING"
    READY = "READY"


class EncodingStatus(StrEnum):
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    READY = "READY"
    FAILED = "FAILED"


class UploadStatus(StrEnum):
    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    REJECTED = "REJECTED"
    SUPERSEDED = "SUPERSEDED"
    ABORTED = "ABORTED"


class BotAccount(Tenant, Timestamps, Base):
    """An account by which a bot joins meetings."""

    __tablename__ = "recordings_bot_accounts"

    platform: Mapped[MeetingPlatform] = mapped_column(native_enum(MeetingPlatform, "recordings_meeting_platform"))
    credentials: Mapped[Sealed] = mapped_column(SealedText)
    is_active: Mapped[bool] = mapped_column(default=True)


class Meeting(Tenant, Timestamps, Base):
    """`duration` is what it took, in minutes; null until that is known. `container_id` names the bot at work."""

    __tablename__ = "recordings_meetings"
    __table_args__ = (
        tenant_key("bot_account_id", "recordings_bot_accounts", ondelete="NO ACTION"),
        CheckConstraint("scheduled_end > scheduled_start", name="ends_after_start"),
        Index("ix_recordings_meetings_scheduled_start", "organization_id", "scheduled_start", "id"),
        Index("ix_recordings_meetings_bot_account_id", "organization_id", "bot_account_id"),
    )

    bot_account_id: Mapped[UUID | None]
    platform: Mapped[MeetingPlatform] = mapped_column(native_enum(MeetingPlatform, "recordings_meeting_platform"))
    url: Mapped[str]
    scheduled_start: Mapped[datetime]
    scheduled_end: Mapped[datetime | None]
    duration: Mapped[int | None] = mapped_column(Integer)
    status: Mapped[MeetingStatus] = mapped_column(native_enum(MeetingStatus, "recordings_meeting_status"), default=MeetingStatus.PENDING)
    container_id: Mapped[str | None]
    error: Mapped[str | None]


class Recording(Tenant, Timestamps, SoftDeleted, Base):
    """What was captured of a meeting (one recording each) or of a room (many). The database holds keys of objects, never bytes.

    `status` is the capture's, null before anything was captured. `raw_sequencer` orders S3's notifications of `raw_key`: hexadecimal,
    filled up with zeros on the right, so that it compares as text.
    """

    __tablename__ = "recordings_recordings"
    __table_args__ = (
        tenant_key("meeting_id", "recordings_meetings"),
        CheckConstraint("num_nonnulls(meeting_id, room_id) = 1", name="one_source"),
        CheckConstraint("(raw_key IS NULL) = (raw_size_bytes IS NULL)", name="raw_whole"),
        Index("uq_recordings_recordings_meeting_id", "organization_id", "meeting_id", unique=True, postgresql_where="deleted_at IS NULL"),
        Index("ix_recordings_recordings_room_id", "organization_id", "room_id"),
        Index("ix_recordings_recordings_owner_id", "organization_id", "owner_id"),
    )

    meeting_id: Mapped[UUID | None]
    room_id: Mapped[UUID | None]
    owner_id: Mapped[UUID | None]
    raw_key: Mapped[str | None]
    raw_size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    raw_content_type: Mapped[str | None]
    raw_sequencer: Mapped[str | None] = mapped_column(Text(collation="C"))
    encoded_key: Mapped[str | None]
    encoded_size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    har_key: Mapped[str | None]
    status: Mapped[RecordingStatus | None] = mapped_column(native_enum(RecordingStatus, "recordings_recording_status"))
    encoding_status: Mapped[EncodingStatus] = mapped_column(
        native_enum(EncodingStatus, "recordings_encoding_status"), default=EncodingStatus.PENDING
    )
    encoding_error: Mapped[str | None]
    codec: Mapped[str | None]
    resolution: Mapped[str | None]
    fps: Mapped[float | None]
    bitrate: Mapped[int | None] = mapped_column(Integer)
    duration_seconds: Mapped[int | None] = mapped_column(Integer)
    retry_count: Mapped[int] = mapped_column(SmallInteger, default=0)
    is_public: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[datetime | None]
    details: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)


class Upload(Tenant, Timestamps, Base):
    """One attempt to bring a recording's bytes, under a key of its own: what was declared, and what became of it."""

    __tablename__ = "recordings_uploads"
    __table_args__ = (
        tenant_key("recording_id", "recordings_recordings"),
        UniqueConstraint("organization_id", "key", name="uq_recordings_uploads_key"),
        CheckConstraint("size_bytes > 0", name="size_bytes_positive"),
        Index("ix_recordings_uploads_recording_id", "organization_id", "recording_id"),
    )

    recording_id: Mapped[UUID]
    key: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    content_type: Mapped[str]
    multipart_id: Mapped[str | None]
    status: Mapped[UploadStatus] = mapped_column(native_enum(UploadStatus, "recordings_upload_status"), default=UploadStatus.PENDING)
    reason: Mapped[str | None]
    expires_at: Mapped[datetime]
