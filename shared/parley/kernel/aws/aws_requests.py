"""One signed request to AWS without boto3, for functions that make one kind of call: importing boto3 costs 165 ms of every cold start.

Signature Version 4 as AWS documents it, for JSON services, STS, presigned S3 URLs and RDS tokens; credentials come from the environment,
where Lambda puts them, unless a URL is signed with others. Everything with paging, streams or many operations uses `kernel.aws`. Tests
compare the signatures with botocore's.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from parley.kernel.values.settings import is_set, setting

_JSON_TARGETS = {"sqs": ("AmazonSQS", "1.0"), "kms": ("TrentService", "1.1"), "events": ("AWSEvents", "1.1")}
_PASSING = ("Throttling", "ThrottlingException", "RequestThrottled", "InternalFailure", "ServiceUnavailable")
_SECONDS = 4
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """What AWS knows a caller by. They show no secret of theirs."""

    key_id: str
    secret: str = field(repr=False)
    token: str | None = field(repr=False, default=None)


def _own() -> AwsCredentials:
    token = setting("AWS_SESSION_TOKEN") if is_set("AWS_SESSION_TOKEN") else None
    return AwsCredentials(setting("AWS_ACCESS_KEY_ID"), setting("AWS_SECRET_ACCESS_KEY"), token)


class CallFailed(Exception):
    """AWS answered with an error. `kind` is its type, without the prefix."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(f"{status} {kind}: {message}")
        self.status = status
        self.kind = kind


def _region() -> str:
    return setting("AWS_REGION", setting("AWS_DEFAULT_REGION", "us-east-1"))


def _endpoint(service: str) -> str:
    if service == "lambda" and (own := setting("AWS_ENDPOINT_URL_LAMBDA", "-")) != "-":
        return own.rstrip("/")
    return setting("AWS_ENDPOINT_URL", f"https://{service}.{_region()}.amazonaws.com").rstrip("/")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _scope(service: str, moment: datetime) -> str:
    return f"{moment:%Y%m%d}/{_region()}/{service}/aws4_request"


def _signature(canonical: str, service: str, moment: datetime, credentials: AwsCredentials) -> str:
    to_sign = f"AWS4-HMAC-SHA256\n{moment:%Y%m%dT%H%M%SZ}\n{_scope(service, moment)}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret}".encode()
    for part in _scope(service, moment).split("/"):
        key = _hmac(key, part)
    return _hmac(key, to_sign).hex()


def _canonical(method: str, path: str, query: str, headers: dict[str, str], payload_hash: str) -> str:
    names = sorted(headers)
    listed = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
    return f"{method}\n{path}\n{query}\n{listed}\n{';'.join(names)}\n{payload_hash}"


def headers_of(service: str, url: str, target: str, version: str, body: bytes, moment: datetime) -> dict[str, str]:
    """The signed headers of a POST to a JSON service."""
    return _signed(service, url, {"content-type": f"application/x-amz-json-{version}", "x-amz-target": target}, body, moment)


def _signed(service: str, url: str, own: dict[str, str], body: bytes, moment: datetime) -> dict[str, str]:
    parts, credentials = urlsplit(url), _own()
    headers = own | {"host": parts.netloc, "x-amz-date": f"{moment:%Y%m%dT%H%M%SZ}"}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    # The path is escaped once more, by every service but S3: the colons of an ARN are %253A here.
    path = quote(parts.path or "/", safe="/~")
    canonical = _canonical("POST", path, "", headers, hashlib.sha256(body).hexdigest())
    credential = f"{credentials.key_id}/{_scope(service, moment)}"
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={';'.join(sorted(headers))}, "
        f"Signature={_signature(canonical, service, moment, credentials)}"
    )
    return headers


def call(service: str, operation: str, parameters: dict[str, Any], *, attempts: int = 3, seconds: float = _SECONDS) -> dict[str, Any]:
    """One operation of a JSON service (`sqs`, `kms`, `events`). Raises `CallFailed`, or `OSError` when nothing answers.

    Only throttling, faults of the service and a lost connection are tried again.
    """
    prefix, version = _JSON_TARGETS[service]
    body = json.dumps(parameters).encode()
    url = f"{_endpoint(service)}/"

    def once() -> dict[str, Any]:
        return _post(url, headers_of(service, url, f"{prefix}.{operation}", version, body, datetime.now(UTC)), body, seconds)

    return _repeated(once, attempts)


def call_query_protocol(service: str, version: str, parameters: dict[str, str], *, attempts: int = 3, seconds: float = _SECONDS) -> str:
    """One operation of a service that takes a form and answers XML (`sts`), as that text. Raises and repeats as `call` does."""
    url, body = f"{_endpoint(service)}/", urlencode({"Version": version} | parameters).encode()
    own = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}

    def once() -> str:
        status, _, answer = _sent(url, _signed(service, url, own, body, datetime.now(UTC)), body, seconds)
        text = answer.decode("utf-8", "replace")
        if status >= 300:
            kind = re.search(r"<Code>([A-Za-z.]+)</Code>", text)
            raise CallFailed(status, kind[1] if kind else "", text[:200])
        return text

    return _repeated(once, attempts)


def _repeated(once: Callable[[], _Answer], attempts: int) -> _Answer:
    for attempt in range(1, attempts + 1):
        try:
            return once()
        except CallFailed as error:
            if attempt == attempts or (error.status < 500 and error.kind not in _PASSING):
                raise
        except OSError:
            if attempt == attempts:
                raise
        time.sleep(0.05 * 2**attempt)
    raise AssertionError


def _sent(url: str, headers: dict[str, str], body: bytes, seconds: float) -> tuple[int, dict[str, str], bytes]:
    """Status, headers with names in lower case, and body."""
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    parts = urlsplit(url)
    secure = parts.scheme == "https"
    connection = (HTTPSConnection if secure else HTTPConnection)(parts.netloc, timeout=seconds)
    try:
        connection.request("POST", parts.path or "/", body, headers)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    except HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


def _post(url: str, headers: dict[str, str], body: bytes, seconds: float) -> dict[str, Any]:
    status, _, text = _sent(url, headers, body, seconds)
    try:
        content = json.loads(text or b"{}")
    except ValueError:
        content = None
    answer: dict[str, Any] = content if isinstance(content, dict) else {}  # what stands between may answer anything
    if status >= 300:
        kind = str(answer.get("__type", "")).rpartition("#")[2]
        raise CallFailed(status, kind, str(answer.get("message") or answer.get("Message") or text[:200]))
    return answer


def send_message(queue_url: str, body: str, *, attempts: int = 3, delay_seconds: int = 0, seconds: float = _SECONDS) -> None:
    """Put a message on a queue, where it is seen after at most 900 s. Returns when SQS has confirmed it."""
    request: dict[str, Any] = {"QueueUrl": queue_url, "MessageBody": body}
    call("sqs", "SendMessage", request | ({"DelaySeconds": delay_seconds} if delay_seconds else {}), attempts=attempts, seconds=seconds)


def invoke(function: str, payload: bytes, *, seconds: float) -> bytes:
    """Call a function and wait for its answer, once. Raises `CallFailed` when it is not called or fails, `OSError` when nothing answers."""
    url = f"{_endpoint('lambda')}/2015-03-31/functions/{quote(function, safe='')}/invocations"
    own = {"content-type": "application/json", "x-amz-invocation-type": "RequestResponse"}
    status, headers, answer = _sent(url, _signed("lambda", url, own, payload, datetime.now(UTC)), payload, seconds)
    if status >= 300 or "x-amz-function-error" in headers:
        kind = headers.get("x-amzn-errortype", "").partition(":")[0] or headers.get("x-amz-function-error", "")
        raise CallFailed(status, kind, "The function was not called, or failed; its log says why.")
    return answer


def presign(
    method: str,
    bucket: str,
    key: str,
    *,
    seconds: int,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    credentials: AwsCredentials | None = None,
) -> str:
    """A presigned S3 URL. The client must send exactly these `headers` (lower case); `query` holds parameters such as `uploadId`.

    It can do what its `credentials` may do, and no longer than they are good.
    """
    moment = datetime.now(UTC)
    if is_set("AWS_ENDPOINT_URL"):
        base, path = _endpoint("s3"), f"/{bucket}/{quote(key)}"
    else:
        base, path = f"https://{bucket}.s3.{_region()}.amazonaws.com", f"/{quote(key)}"
    return _presigned(method, base, path, "s3", seconds, headers or {}, query or {}, "UNSIGNED-PAYLOAD", moment, credentials or _own())


def _presigned(
    method: str,
    base: str,
    path: str,
    service: str,
    seconds: int,
    headers: dict[str, str],
    query: dict[str, str],
    payload: str,
    moment: datetime,
    credentials: AwsCredentials,
) -> str:
    signed = headers | {"host": urlsplit(base).netloc}
    parameters = query | {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{credentials.key_id}/{_scope(service, moment)}",
        "X-Amz-Date": f"{moment:%Y%m%dT%H%M%SZ}",
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": ";".join(sorted(signed)),
    }
    if credentials.token:
        parameters["X-Amz-Security-Token"] = credentials.token
    listed = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(parameters.items()))
    signature = _signature(_canonical(method, path, listed, signed, payload), service, moment, credentials)
    return f"{base}{path}?{listed}&X-Amz-Signature={signature}"


def database_token(host: str, port: int, user: str) -> str:
    """A password for RDS with IAM authentication; it opens connections for 15 minutes."""
    nothing = hashlib.sha256(b"").hexdigest()
    query = {"Action": "connect", "DBUser": user}
    url = _presigned("GET", f"https://{host}:{port}", "/", "rds-db", 900, {}, query, nothing, datetime.now(UTC), _own())
    return url.removeprefix("https://")
