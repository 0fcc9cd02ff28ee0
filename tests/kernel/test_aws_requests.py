"""Calls to AWS over real HTTP: what is tried again and how often, what an answer of another form is, and that no secret is in an error."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from parley.kernel.aws import aws_requests, s3_objects, tenant_credentials
from parley.kernel.aws.aws_requests import CallFailed
from parley.kernel.aws.s3_objects import ObjectFailed
from parley.kernel.aws.tenant_credentials import CredentialsNotIssued
from parley.kernel.values.ids import new_id
from tests.kernel.http_receivers import ReceivedRequest, Receiver, Reply, raw, receiver

ROLE = "arn:aws:iam::123456789012:role/tenant"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """AWS, as far as functions can tell: answers `{}` until a test says otherwise."""
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "the-secret-key", "AWS_SESSION_TOKEN": ""}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with receiver() as made:
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA"):
            monkeypatch.setenv(name, made.url.removesuffix("/hook"))
        made.answer = lambda _: Reply(200, b"{}")
        yield made


def in_turn(aws: Receiver, *replies: Reply) -> None:
    """The last of them for ever."""
    waiting = list(replies)
    aws.answer = lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


def refusal(status: int, kind: str, message: str = "no") -> Reply:
    return Reply(status, json.dumps({"__type": f"com.amazonaws.sqs#{kind}", "message": message}).encode())


@pytest.mark.parametrize(
    ("reply", "tries"),
    [
        (refusal(500, "InternalFailure"), 3),
        (refusal(503, "ServiceUnavailable"), 3),
        (Reply(502, b"<html>Bad gateway</html>"), 3),
        (refusal(400, "ThrottlingException"), 3),
        (refusal(400, "RequestThrottled"), 3),
        (refusal(400, "AccessDeniedException"), 1),
        (refusal(403, "InvalidSignatureException"), 1),
        (refusal(400, "ValidationException"), 1),
        (Reply(413, b""), 1),
        (Reply(302, b"", {"location": "http://127.0.0.1:1/"}), 1),
        (Reply(404, b"[]"), 1),
    ],
)
def test_faults_of_the_service_and_throttling_alone_are_tried_again(aws: Receiver, reply: Reply, tries: int) -> None:
    in_turn(aws, reply)
    with pytest.raises(CallFailed) as failed:
        aws_requests.call("sqs", "SendMessage", {"QueueUrl": "q"})
    assert (failed.value.status, len(aws.arrived)) == (reply.status, tries)
    assert "the-secret-key" not in str(failed.value)


def test_what_passes_at_the_third_time_is_an_answer_and_every_try_is_signed(aws: Receiver) -> None:
    in_turn(aws, refusal(500, "InternalFailure"), refusal(400, "Throttling"), Reply(200, b'{"MessageId": "1"}'))
    assert aws_requests.call("sqs", "SendMessage", {"QueueUrl": "q"}) == {"MessageId": "1"}
    assert [arrival.headers["x-amz-target"] for arrival in aws.arrived] == ["AmazonSQS.SendMessage"] * 3
    assert all(arrival.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") for arrival in aws.arrived)


def test_who_wants_one_try_gets_one(aws: Receiver) -> None:
    in_turn(aws, refusal(500, "InternalFailure"))
    with pytest.raises(CallFailed):
        aws_requests.send_message("q", "{}", attempts=1)
    assert len(aws.arrived) == 1


def test_a_delay_is_said_where_there_is_one(aws: Receiver) -> None:
    aws_requests.send_message("q", "x")
    aws_requests.send_message("q", "ü", delay_seconds=900)
    assert [json.loads(arrival.body) for arrival in aws.arrived] == [
        {"QueueUrl": "q", "MessageBody": "x"},
        {"QueueUrl": "q", "MessageBody": "ü", "DelaySeconds": 900},
    ]


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}", b"\x16\x03\x01", b"HTTP/1.1 200\r\n" + b"x" * 70_000]
)
def test_an_answer_that_ends_early_or_is_none_is_a_lost_connection(aws: Receiver, monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    requests: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        requests.append(connection.recv(65536))
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    with raw(serve) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url.removesuffix("/hook"))
        with pytest.raises(OSError):
            aws_requests.call("kms", "Decrypt", {})
        with pytest.raises(OSError):
            s3_objects.get("bucket", "key")
    assert len(requests) == 6, "each three times"


def test_nobody_at_the_address_is_an_error_of_the_network(aws: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for ask in (lambda: aws_requests.call("kms", "Decrypt", {}), lambda: s3_objects.put("b", "k", b""), lambda: s3_objects.get("b", "k")):
        with pytest.raises(OSError):
            ask()
    with pytest.raises(OSError):
        aws_requests.invoke("ask", b"{}", seconds=1)


@pytest.mark.parametrize("body", [b"not JSON", b"\xff", b"{", b"[]", b"null", b'"text"', b"7"])
def test_an_answer_that_is_no_object_is_empty_and_an_error_keeps_its_text(aws: Receiver, body: bytes) -> None:
    in_turn(aws, Reply(200, body))
    assert aws_requests.call("events", "PutEvents", {}) == {}
    in_turn(aws, Reply(400, body))
    with pytest.raises(CallFailed) as failed:
        aws_requests.call("events", "PutEvents", {})
    assert (failed.value.status, failed.value.kind) == (400, "")


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(200, b'{"errorMessage": "x"}', {"x-amz-function-error": "Unhandled"}), "Unhandled"),
        (Reply(404, b"{}", {"x-amzn-errortype": "ResourceNotFoundException:http://internal.amazon.com/"}), "ResourceNotFoundException"),
        (Reply(429, b"{}", {"x-amzn-errortype": "TooManyRequestsException"}), "TooManyRequestsException"),
        (Reply(502, b""), ""),
    ],
)
def test_a_function_that_fails_or_is_not_called_is_called_once(aws: Receiver, reply: Reply, kind: str) -> None:
    in_turn(aws, reply)
    with pytest.raises(CallFailed) as failed:
        aws_requests.invoke("parley:live", b'{"secret": "s3cr3t"}', seconds=2)
    assert (failed.value.kind, len(aws.arrived)) == (kind, 1)
    assert "s3cr3t" not in str(failed.value) and "errorMessage" not in str(failed.value)
    assert aws.arrived[0].path == "/2015-03-31/functions/parley%3Alive/invocations"


def test_an_object_comes_back_byte_for_byte_and_its_name_is_escaped(aws: Receiver) -> None:
    stored: dict[str, bytes] = {}

    def answer(arrival: ReceivedRequest) -> Reply:
        path = arrival.path.partition("?")[0]
        stored.setdefault(path, arrival.body)
        return Reply(200, stored[path])

    aws.answer = answer
    content = bytes(range(256)) * 1000
    # The receiver knows POST and GET; a PUT is asked of it by another name.
    url = aws_requests.presign("POST", "bucket", "a b/ü?&#%", seconds=60)
    assert s3_objects._once("POST", url, content, {}) == (200, content)
    assert list(stored) == ["/bucket/a%20b/%C3%BC%3F%26%23%25"]
    assert s3_objects.get("bucket", "a b/ü?&#%") == content


@pytest.mark.parametrize(("status", "tries"), [(500, 3), (503, 3), (403, 1), (404, 1), (412, 1)])
def test_an_object_that_is_refused_is_named_with_its_status(aws: Receiver, status: int, tries: int) -> None:
    in_turn(aws, Reply(status, b"<Error><Code>x</Code></Error>"))
    with pytest.raises(ObjectFailed, match=f"S3 answered {status} for the/key") as failed:
        s3_objects.get("bucket", "the/key")
    assert (failed.value.status, len(aws.arrived)) == (status, tries)
    assert "Signature" not in str(failed.value)


def issued(until: str, token: str = "TOKEN") -> bytes:
    return (
        f"<R><Credentials><SessionToken>{token}</SessionToken><Expiration>{until}</Expiration><AccessKeyId>ASIA1</AccessKeyId>"
        "<SecretAccessKey>s3cr3t</SecretAccessKey></Credentials></R>"
    ).encode()


def test_credentials_of_an_organization_are_kept_until_they_are_nearly_over(aws: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT_ROLE_ARN", ROLE)
    first, second = new_id(), new_id()
    aws.answer = lambda arrival: Reply(200, issued("2199-01-01T00:00:00Z", "of-" + ("1" if str(first).encode() in arrival.body else "2")))
    seen = [tenant_credentials.of(which) for which in (first, second, first, second)]
    assert [credentials.token for credentials in seen if credentials is not None] == ["of-1", "of-2", "of-1", "of-2"]
    assert len(aws.arrived) == 2 and "s3cr3t" not in repr(seen)
    third = new_id()
    aws.answer = lambda _: Reply(200, issued("2026-12-01T00:00:00+00:00"))
    for _ in range(2):
        tenant_credentials.of(third)
    assert len(aws.arrived) == 4, "what is over is not handed out again"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b""),
        Reply(200, b"{}"),
        Reply(200, b"<Credentials></Credentials>"),
        Reply(200, issued("soon")),
        Reply(200, issued("2199-01-01T00:00:00")),
        Reply(200, issued("2199-01-01T00:00:00Z").replace(b"<SecretAccessKey>s3cr3t</SecretAccessKey>", b"")),
        Reply(403, b"<Error><Code>AccessDenied</Code></Error>"),
        Reply(500, b"\xff\xfe"),
    ],
)
def test_an_answer_of_sts_that_gives_none_gives_none(aws: Receiver, monkeypatch: pytest.MonkeyPatch, reply: Reply) -> None:
    monkeypatch.setenv("TENANT_ROLE_ARN", ROLE)
    aws.answer = lambda _: reply
    organization_id = new_id()
    with pytest.raises(CredentialsNotIssued) as failed:
        tenant_credentials.of(organization_id)
    assert "s3cr3t" not in str(failed.value)
    aws.answer = lambda _: Reply(200, issued("2199-01-01T00:00:00Z"))
    assert tenant_credentials.of(organization_id) is not None, "a failure is not remembered"
