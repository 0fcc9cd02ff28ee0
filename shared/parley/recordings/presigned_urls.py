"""Requests that clients send to the object storage themselves: signed here, so that no byte of a recording passes through a function.

`access` is the organization's (`object_access`): an address can do what its credentials may do, and those reach its own prefix.
"""

from datetime import datetime

from parley.kernel.aws import aws_requests
from parley.kernel.values.clock import now
from parley.kernel.values.settings import setting
from parley.recordings import media_types
from parley.recordings.models import Recording, Upload
from parley.recordings.object_access import LIFE, ObjectAccess
from parley.recordings.schemas import DownloadRead, SignedPart, SignedParts, SignedRequest, UploadRead

PARTS_AT_ONCE = 200
"""Part addresses in one answer: with a session token each has about 2 kB."""
_SECONDS = int(LIFE.total_seconds())


def _put(
    access: ObjectAccess, upload: Upload, expires_at: datetime, headers: dict[str, str], query: dict[str, str] | None = None
) -> SignedRequest:
    bucket = setting("MEDIA_BUCKET")
    url = aws_requests.presign("PUT", bucket, upload.key, seconds=_SECONDS, headers=headers, query=query, credentials=access.credentials)
    return SignedRequest(method="PUT", url=url, headers=headers, expires_at=expires_at)


def whole(access: ObjectAccess, upload: Upload) -> SignedRequest:
    """The one request of a small upload. `if-none-match` lets nobody replace what has arrived while the address is valid."""
    headers = {"content-length": str(upload.size_bytes), "content-type": upload.content_type, "if-none-match": "*"}
    return _put(access, upload, now() + LIFE, headers)


def parts(access: ObjectAccess, upload: Upload, first: int = 1, limit: int = PARTS_AT_ONCE) -> SignedParts:
    """The requests of `limit` parts from `first` on, each with its exact size."""
    count, expires_at = media_types.part_count(upload.size_bytes), now() + LIFE
    numbers = range(first, min(first + limit, count + 1))
    return SignedParts(
        part_size_bytes=media_types.part_size(upload.size_bytes),
        part_count=count,
        parts=[_part(access, upload, number, expires_at) for number in numbers],
        next_part=numbers.stop if numbers.stop <= count else None,
    )


def _part(access: ObjectAccess, upload: Upload, number: int, expires_at: datetime) -> SignedPart:
    size = media_types.size_of_part(upload.size_bytes, number)
    query = {"partNumber": str(number), "uploadId": upload.multipart_id or ""}
    return SignedPart(part_number=number, size_bytes=size, request=_put(access, upload, expires_at, {"content-length": str(size)}, query))


def upload(access: ObjectAccess, row: Upload) -> UploadRead:
    """An upload with the requests that bring its bytes."""
    return UploadRead(
        id=row.id,
        recording_id=row.recording_id,
        status=row.status,
        size_bytes=row.size_bytes,
        content_type=row.content_type,
        expires_at=row.expires_at,
        put=whole(access, row) if row.multipart_id is None else None,
        multipart=parts(access, row) if row.multipart_id is not None else None,
    )


def download(access: ObjectAccess, recording: Recording) -> DownloadRead:
    """The address of a recording's bytes, as a file to save: a browser must not show it as a page of the storage's origin."""
    assert recording.raw_key is not None
    file_name = f"recording-{recording.id}.{recording.raw_key.rpartition('.')[2]}"
    query = {"response-content-disposition": f'attachment; filename="{file_name}"'}
    return DownloadRead(
        url=aws_requests.presign(
            "GET", setting("MEDIA_BUCKET"), recording.raw_key, seconds=_SECONDS, query=query, credentials=access.credentials
        ),
        file_name=file_name,
        content_type=recording.raw_content_type or "application/octet-stream",
        size_bytes=recording.raw_size_bytes or 0,
        expires_at=now() + LIFE,
    )
