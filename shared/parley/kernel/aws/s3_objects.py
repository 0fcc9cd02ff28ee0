"""Small objects of S3 without boto3: whole bodies, put and got by a presigned URL. Large and streamed ones use `kernel.aws`."""

import time
from urllib.parse import urlsplit

from parley.kernel.aws import aws_requests

_SECONDS = 8
_ATTEMPTS = 3


class ObjectFailed(OSError):
    """S3 answered with an error."""

    def __init__(self, status: int, key: str) -> None:
        super().__init__(f"S3 answered {status} for {key}.")
        self.status = status


def put(bucket: str, key: str, content: bytes) -> None:
    """Store an object. Returns when S3 has confirmed it; raises `OSError`."""
    headers = {"content-type": "application/octet-stream"}
    _asked("PUT", aws_requests.presign("PUT", bucket, key, seconds=60, headers=headers), key, content, headers)


def get(bucket: str, key: str) -> bytes:
    """The bytes of an object. Raises `OSError`, also when there is none."""
    return _asked("GET", aws_requests.presign("GET", bucket, key, seconds=60), key, None, {})


def _asked(method: str, url: str, key: str, content: bytes | None, headers: dict[str, str]) -> bytes:
    """Only faults of the service and a lost connection are tried again."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            status, body = _once(method, url, content, headers)
        except OSError:
            if attempt == _ATTEMPTS:
                raise
        else:
            if status < 300:
                return body
            if status < 500 or attempt == _ATTEMPTS:
                raise ObjectFailed(status, key)
        time.sleep(0.05 * 2**attempt)
    raise AssertionError


def _once(method: str, url: str, content: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    parts = urlsplit(url)
    connection = (HTTPSConnection if parts.scheme == "https" else HTTPConnection)(parts.netloc, timeout=_SECONDS)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", content, headers)
        response = connection.getresponse()
        return response.status, response.read()
    except HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()
