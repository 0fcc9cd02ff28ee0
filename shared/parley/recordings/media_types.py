"""What may be uploaded: media types, sizes, and how a large object is cut into parts.

Source of the limits of multipart uploads: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
"""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

MIB = 1024 * 1024
LARGEST_BYTES = 50 * 1024 * MIB
MULTIPART_FROM_BYTES = 64 * MIB
SMALLEST_PART_BYTES = 8 * MIB
MOST_PARTS = 10_000


class MediaType(StrEnum):
    VIDEO_WEBM = "video/webm"
    VIDEO_MP4 = "video/mp4"
    VIDEO_QUICKTIME = "video/quicktime"
    VIDEO_MATROSKA = "video/x-matroska"
    AUDIO_WEBM = "audio/webm"
    AUDIO_MP4 = "audio/mp4"
    AUDIO_MPEG = "audio/mpeg"
    AUDIO_OGG = "audio/ogg"
    AUDIO_WAV = "audio/wav"


EXTENSIONS: dict[MediaType, str] = {
    MediaType.VIDEO_WEBM: "webm",
    MediaType.VIDEO_MP4: "mp4",
    MediaType.VIDEO_QUICKTIME: "mov",
    MediaType.VIDEO_MATROSKA: "mkv",
    MediaType.AUDIO_WEBM: "webm",
    MediaType.AUDIO_MP4: "m4a",
    MediaType.AUDIO_MPEG: "mp3",
    MediaType.AUDIO_OGG: "ogg",
    MediaType.AUDIO_WAV: "wav",
}


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it lies in the storage."""

    size_bytes: int
    content_type: str


def is_multipart(size_bytes: int) -> bool:
    return size_bytes >= MULTIPART_FROM_BYTES


def part_size(size_bytes: int) -> int:
    """Bytes of every part but the last, whole MiB: as small as 10,000 parts allow, at least 8 MiB."""
    return max(SMALLEST_PART_BYTES, ceil(size_bytes / MOST_PARTS / MIB) * MIB)


def part_count(size_bytes: int) -> int:
    return ceil(size_bytes / part_size(size_bytes))


def size_of_part(size_bytes: int, number: int) -> int:
    """Bytes of one part, counted from 1. The last takes what is left."""
    size = part_size(size_bytes)
    return min(size, size_bytes - (number - 1) * size)
