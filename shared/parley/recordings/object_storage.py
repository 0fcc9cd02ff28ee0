"""The calls of the object storage that the product makes itself. The adapter of boto3 for recordings; nothing is imported before a call.

`access` is the organization's (`object_access`): what lies under another's prefix, AWS refuses.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from parley.kernel.aws import boto3_clients
from parley.kernel.values.settings import setting
from parley.recordings.media_types import StoredObject
from parley.recordings.object_access import ObjectAccess, StorageUnavailable
from parley.recordings.uploads import UploadGone, WrongParts

_WRONG_PARTS = ("InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML")
_GONE = ("NoSuchUpload",)
_ABSENT = ("404", "NoSuchKey", "NotFound")


class _Refused(Exception):
    """The storage said no; the code is its own."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@contextmanager
def _asking() -> Iterator[None]:
    """Turn boto3's errors into `_Refused` where the request is at fault, and into `StorageUnavailable` where it is not."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        status, code = error.response["ResponseMetadata"]["HTTPStatusCode"], str(error.response["Error"]["Code"])
        if status < 500 and code not in ("SlowDown", "RequestTimeout"):
            raise _Refused(code) from error
        raise StorageUnavailable("The object storage does not answer right now; try again in a moment.") from error
    except BotoCoreError as error:
        raise StorageUnavailable("The object storage does not answer right now; try again in a moment.") from error


def head(access: ObjectAccess, key: str) -> StoredObject | None:
    """The object, or None when there is none. Raises what else went wrong: a missing permission looks like nothing at all otherwise."""
    try:
        with _asking():
            response = boto3_clients.client("s3", access.credentials).head_object(Bucket=setting("MEDIA_BUCKET"), Key=key)
    except _Refused as refused:
        if refused.code in _ABSENT:
            return None
        raise
    return StoredObject(response["ContentLength"], response.get("ContentType", ""))


def delete(access: ObjectAccess, key: str) -> None:
    """Remove an object; one that is not there is fine."""
    with _asking():
        boto3_clients.client("s3", access.credentials).delete_object(Bucket=setting("MEDIA_BUCKET"), Key=key)


def begin_multipart(access: ObjectAccess, key: str, content_type: str) -> str:
    """Begin a multipart upload. What is never completed is removed by the bucket's lifecycle rule."""
    with _asking():
        made = boto3_clients.client("s3", access.credentials).create_multipart_upload(
            Bucket=setting("MEDIA_BUCKET"), Key=key, ContentType=content_type
        )
    return str(made["UploadId"])


def complete_multipart(access: ObjectAccess, key: str, multipart_id: str, etags: Sequence[tuple[int, str]], size_bytes: int) -> None:
    """Put the parts together. Raises `WrongParts` or `UploadGone`.

    A request that is sent again after its answer was lost finds no upload, but the object: that is fine.
    """
    listed = [{"PartNumber": number, "ETag": f'"{etag}"'} for number, etag in etags]
    try:
        with _asking():
            boto3_clients.client("s3", access.credentials).complete_multipart_upload(
                Bucket=setting("MEDIA_BUCKET"), Key=key, UploadId=multipart_id, MultipartUpload={"Parts": listed}
            )
    except _Refused as refused:
        if refused.code in _WRONG_PARTS:
            raise WrongParts(
                "The storage does not have these parts with these ETags; upload the missing ones and complete again."
            ) from refused
        if refused.code not in _GONE:
            raise
        stored = head(access, key)
        if stored is None or stored.size_bytes != size_bytes:
            raise UploadGone("The storage has given this upload up; ask for a new one.") from refused


def abort_multipart(access: ObjectAccess, key: str, multipart_id: str) -> None:
    """Give up a multipart upload and its parts; one that is not there is fine."""
    try:
        with _asking():
            boto3_clients.client("s3", access.credentials).abort_multipart_upload(
                Bucket=setting("MEDIA_BUCKET"), Key=key, UploadId=multipart_id
            )
    except _Refused as refused:
        if refused.code not in _GONE:
            raise
