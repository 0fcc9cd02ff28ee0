"""Our signatures against botocore's, byte for byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import botocore.auth
import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from parley.kernel.aws import aws_requests

MOMENT = datetime(2026, 11, 20, 10, 30, 15, tzinfo=UTC)
BUCKET = "parley-media"
ODD_KEYS = ["plain.webm", "a b+c&d=e/f%2Fg.webm", "ümläut/日本/~tilde-_.'()*!.mp4", "a//b/./c", "q?x=1#y;z,@$:"]
TOKENS = [None, "IQoJb3JpZ2luX2VjE+/=//token=="]


class _Clock(datetime):
    """The one moment, for us and for botocore."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return MOMENT if tz else MOMENT.replace(tzinfo=None)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    monkeypatch.setattr(aws_requests, "datetime", _Clock)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: _Clock.now(None if remove_tzinfo else UTC))


def session_token(monkeypatch: pytest.MonkeyPatch, token: str | None) -> Credentials:
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    return Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)


def client(service: str, credentials: Credentials, **other: Any) -> Any:
    return botocore.session.get_session().create_client(
        service,
        region_name="eu-central-1",
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
        **other,
    )


def s3(credentials: Credentials, style: str = "virtual", endpoint: str | None = None) -> Any:
    options: Any = {"addressing_style": style}
    return client("s3", credentials, endpoint_url=endpoint, config=Config(signature_version="s3v4", s3=options))


def parts(url: str) -> tuple[str, str, str, list[tuple[str, str]]]:
    """A URL as a server reads it: the order of the query means nothing, every byte of the rest does."""
    split = urlsplit(url)
    return split.scheme, split.netloc, split.path, sorted(parse_qsl(split.query, keep_blank_values=True, strict_parsing=True))


@pytest.mark.parametrize("key", ODD_KEYS)
@pytest.mark.parametrize("token", TOKENS)
def test_a_download(monkeypatch: pytest.MonkeyPatch, token: str | None, key: str) -> None:
    credentials = session_token(monkeypatch, token)
    disposition = 'attachment; filename="a b+ü\'.webm"'
    botocore_url = s3(credentials).generate_presigned_url(
        "get_object", {"Bucket": BUCKET, "Key": key, "ResponseContentDisposition": disposition}, ExpiresIn=3600
    )
    assert parts(aws_requests.presign("GET", BUCKET, key, seconds=3600, query={"response-content-disposition": disposition})) == parts(
        botocore_url
    )


@pytest.mark.parametrize("key", ODD_KEYS)
@pytest.mark.parametrize("token", TOKENS)
def test_an_upload_of_an_exact_size_and_type_that_replaces_nothing(monkeypatch: pytest.MonkeyPatch, token: str | None, key: str) -> None:
    credentials = session_token(monkeypatch, token)
    wanted = {"Bucket": BUCKET, "Key": key, "ContentLength": 1234, "ContentType": "video/webm; codecs=vp9", "IfNoneMatch": "*"}
    botocore_url = s3(credentials).generate_presigned_url("put_object", wanted, ExpiresIn=900)
    headers = {"content-length": "1234", "content-type": "video/webm; codecs=vp9", "if-none-match": "*"}
    assert parts(aws_requests.presign("PUT", BUCKET, key, seconds=900, headers=headers)) == parts(botocore_url)


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("multipart_id", ["2~abc.DEF-_", "VXBsb2FkIElEIGZvciA2aWWpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZA==", "a+b/c=&d e"])
def test_a_part(monkeypatch: pytest.MonkeyPatch, token: str | None, multipart_id: str) -> None:
    credentials = session_token(monkeypatch, token)
    wanted = {
        "Bucket": BUCKET,
        "Key": "recordings/a/b.webm",
        "UploadId": multipart_id,
        "PartNumber": 10_000,
        "ContentLength": 8 * 1024 * 1024,
    }
    botocore_url = s3(credentials).generate_presigned_url("upload_part", wanted, ExpiresIn=3600)
    own_url = aws_requests.presign(
        "PUT",
        BUCKET,
        "recordings/a/b.webm",
        seconds=3600,
        headers={"content-length": str(8 * 1024 * 1024)},
        query={"partNumber": "10000", "uploadId": multipart_id},
    )
    assert parts(own_url) == parts(botocore_url)


@pytest.mark.parametrize("key", ODD_KEYS)
@pytest.mark.parametrize("slash", ["", "/"])
def test_an_endpoint_of_ones_own(monkeypatch: pytest.MonkeyPatch, key: str, slash: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:4566{slash}")
    credentials = session_token(monkeypatch, None)
    botocore_url = s3(credentials, "path", "http://127.0.0.1:4566").generate_presigned_url(
        "put_object", {"Bucket": BUCKET, "Key": key, "ContentLength": 5}, ExpiresIn=60
    )
    assert parts(aws_requests.presign("PUT", BUCKET, key, seconds=60, headers={"content-length": "5"})) == parts(botocore_url)


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize(
    ("service", "target", "version", "url"),
    [
        ("sqs", "AmazonSQS.SendMessage", "1.0", "https://sqs.eu-central-1.amazonaws.com/"),
        ("kms", "TrentService.Decrypt", "1.1", "https://kms.eu-central-1.amazonaws.com/"),
        ("events", "AWSEvents.PutEvents", "1.1", "http://127.0.0.1:4566/"),
    ],
)
def test_a_call_of_a_json_service(
    monkeypatch: pytest.MonkeyPatch, token: str | None, service: str, target: str, version: str, url: str
) -> None:
    credentials = session_token(monkeypatch, token)
    body = json.dumps({"MessageBody": "a  b\n\tü \u0000"}).encode()
    own_headers = aws_requests.headers_of(service, url, target, version, body, MOMENT)
    # botocore signs these alone: the same names, with values of its own where it sets them
    request = AWSRequest("POST", url, {"X-Amz-Target": target, "Content-Type": f"application/x-amz-json-{version}"}, body)
    botocore.auth.SigV4Auth(credentials, service, "eu-central-1").add_auth(request)
    botocore_headers = {name.lower(): value for name, value in request.headers.items()}
    assert {name: value for name, value in own_headers.items() if name != "host"} == botocore_headers


@pytest.mark.parametrize("token", TOKENS)
def test_a_form_for_sts(monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    credentials, sent = session_token(monkeypatch, token), dict[str, Any]()

    def keep(url: str, headers: dict[str, str], body: bytes, seconds: float) -> tuple[int, dict[str, str], bytes]:
        sent.update(url=url, headers=headers, body=body)
        return 200, {}, b"<Given/>"

    monkeypatch.setattr(aws_requests, "_sent", keep)
    assert (
        aws_requests.call_query_protocol("sts", "2011-06-15", {"Action": "AssumeRole", "RoleArn": "arn:aws:iam::1:role/a b+c"})
        == "<Given/>"
    )
    assert sent["url"] == "https://sts.eu-central-1.amazonaws.com/"
    request = AWSRequest("POST", sent["url"], {"content-type": sent["headers"]["content-type"]}, sent["body"])
    botocore.auth.SigV4Auth(credentials, "sts", "eu-central-1").add_auth(request)
    botocore_headers = {name.lower(): value for name, value in request.headers.items()}
    assert {name: value for name, value in sent["headers"].items() if name != "host"} == botocore_headers


@pytest.mark.parametrize("token", TOKENS)
def test_credentials_of_somebody_else(monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the function's own")
    others = aws_requests.AwsCredentials("ASIAOTHER", "another+secret/", token)
    assert "secret" not in repr(others).partition("key_id")[2]
    botocore_url = s3(Credentials(others.key_id, others.secret, token)).generate_presigned_url(
        "get_object", {"Bucket": BUCKET, "Key": "a.webm"}, ExpiresIn=60
    )
    assert parts(aws_requests.presign("GET", BUCKET, "a.webm", seconds=60, credentials=others)) == parts(botocore_url)


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("function", ["parley-ask", "arn:aws:lambda:eu-central-1:123456789012:function:parley-ask:live"])
def test_a_call_of_a_function(monkeypatch: pytest.MonkeyPatch, token: str | None, function: str) -> None:
    credentials, sent = session_token(monkeypatch, token), dict[str, Any]()

    def keep(url: str, headers: dict[str, str], body: bytes, seconds: float) -> tuple[int, dict[str, str], bytes]:
        sent.update(url=url, headers=headers, body=body)
        return 200, {}, b"{}"

    monkeypatch.setattr(aws_requests, "_sent", keep)
    assert aws_requests.invoke(function, b'{"a": "\xc3\xbc"}', seconds=1) == b"{}"
    own = {name: sent["headers"][name] for name in ("content-type", "x-amz-invocation-type")}
    request = AWSRequest("POST", sent["url"], own, sent["body"])
    botocore.auth.SigV4Auth(credentials, "lambda", "eu-central-1").add_auth(request)
    botocore_headers = {name.lower(): value for name, value in request.headers.items()}
    assert {name: value for name, value in sent["headers"].items() if name != "host"} == botocore_headers


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("user", ["parley_app", "odd user+/&="])
def test_a_password_of_the_database(monkeypatch: pytest.MonkeyPatch, token: str | None, user: str) -> None:
    credentials = session_token(monkeypatch, token)
    host = "proxy.proxy-abc.eu-central-1.rds.amazonaws.com"
    botocore_token = client("rds", credentials).generate_db_auth_token(host, 5432, user)
    assert parts(f"https://{aws_requests.database_token(host, 5432, user)}") == parts(f"https://{botocore_token}")
