"""What the routes of recordings take and answer."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from parley.kernel.values.fields import RequestInstant, RequestModel, ResponseModel, pattern_hint
from parley.recordings import media_types, meeting_urls
from parley.recordings.models import EncodingStatus, Meeting, MeetingPlatform, MeetingStatus, Recording, RecordingStatus, UploadStatus


class MeetingCreate(RequestModel):
    """A meeting to record. `url` is the address that the platform gave out for it."""

    platform: MeetingPlatform
    url: Annotated[str, StringConstraints(strict=True, max_length=2000)]
    scheduled_start: RequestInstant
    scheduled_end: RequestInstant | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not meeting_urls.is_meeting_url(self.platform, self.url):
            raise ValueError(f"url must be a meeting of {self.platform.value}, like {meeting_urls.EXAMPLES[self.platform]}")
        if self.scheduled_end is not None and self.scheduled_end <= self.scheduled_start:
            raise ValueError("scheduled_end must be after scheduled_start")
        return self


class RecordingRead(ResponseModel):
    """`status` is null before anything was captured; `raw_size_bytes` is there when there is something to download."""

    id: UUID
    meeting_id: UUID | None
    room_id: UUID | None
    owner_id: UUID | None
    status: RecordingStatus | None
    raw_size_bytes: int | None
    raw_content_type: str | None
    encoding_status: EncodingStatus
    encoding_error: str | None
    encoded_size_bytes: int | None
    codec: str | None
    resolution: str | None
    fps: float | None
    bitrate: int | None
    duration_seconds: int | None
    is_public: bool
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime


class MeetingRead(ResponseModel):
    id: UUID
    platform: MeetingPlatform
    url: str
    scheduled_start: datetime
    scheduled_end: datetime | None
    duration: int | None
    status: MeetingStatus
    error: str | None
    created_at: datetime
    updated_at: datetime


class MeetingWithRecordingRead(MeetingRead):
    """`recording` is null when it was deleted."""

    recording: RecordingRead | None

    @classmethod
    def of(cls, meeting: Meeting, recording: Recording | None) -> Self:
        shown = RecordingRead.model_validate(recording) if recording is not None else None
        return cls(**MeetingRead.model_validate(meeting).model_dump(), recording=shown)


class UploadCreate(RequestModel):
    """Exactly what will be sent: S3 refuses other sizes and types."""

    size_bytes: Annotated[int, Field(strict=True, ge=1, le=media_types.LARGEST_BYTES)]
    content_type: media_types.MediaType


class SignedRequest(ResponseModel):
    """A request to S3 as it has to be sent: these headers, and until then."""

    method: str
    url: str
    headers: dict[str, str]
    expires_at: datetime


class SignedPart(ResponseModel):
    part_number: int
    size_bytes: int
    request: SignedRequest


class SignedParts(ResponseModel):
    """Parts of a large upload. `next_part` is the first that is not listed here; null at the end."""

    part_size_bytes: int
    part_count: int
    parts: list[SignedPart]
    next_part: int | None


class UploadRead(ResponseModel):
    """Either `put`, one request that brings everything, or `multipart`."""

    id: UUID
    recording_id: UUID
    status: UploadStatus
    size_bytes: int
    content_type: str
    expires_at: datetime
    put: SignedRequest | None
    multipart: SignedParts | None


class UploadedPart(RequestModel):
    """A part and the ETag that S3 answered it with, with or without quotes."""

    part_number: Annotated[int, Field(strict=True, ge=1, le=media_types.MOST_PARTS)]
    etag: Annotated[
        str,
        StringConstraints(strict=True, pattern=r'^"?[A-Za-z0-9-]{1,100}"?$'),
        pattern_hint("must be the ETag that S3 answered the part with"),
    ]


class UploadComplete(RequestModel):
    parts: Annotated[list[UploadedPart], Field(min_length=1, max_length=media_types.MOST_PARTS)]


class UploadStateRead(ResponseModel):
    """`reason` says why an upload was rejected."""

    id: UUID
    recording_id: UUID
    status: UploadStatus
    reason: str | None


class DownloadRead(ResponseModel):
    url: str
    file_name: str
    content_type: str
    size_bytes: int
    expires_at: datetime
