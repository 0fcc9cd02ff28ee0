"""Meta's two ways in: the handshake and the delivery. Verified over the bytes, queued, 200; nothing else."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.recorded_events import filled
from parley.inbox.claim_check import FOLDER, MESSAGE_BYTES, QUARANTINE, pack, unpack
from parley.inbox.platforms.meta_webhooks import challenge, is_signed
from parley.kernel.values.clock import now
from tests.harness import Client, World, recorded
from tests.inbox import whatsapp_bodies
from tests.inbox.conftest import URL, Quarantine, WhatsAppNumber

SECRET = "an app secret"
# By openssl dgst -sha256 -hmac "an app secret".
VECTOR = (b'{"object":"page","name":"\\u00e4\\/b"}', "sha256=c1e518c5ebc440a55c7e4b2be6e0b49a20267013bc6f6a8302908e671d096efc")


@pytest.fixture
def queue(world: World) -> Iterator[Any]:
    """Looks at what is queued, and empties the queue afterwards."""
    url = world.queue_url("InboxWebhooks")
    yield lambda: world.queued("InboxWebhooks")
    while messages := world.stack.clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            world.stack.clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def handshake(stranger: Client, **query: str) -> Any:
    return stranger.request("GET", URL, query={name.replace("_", ".", 1): value for name, value in query.items()})


def test_the_handshake_is_answered_with_the_challenge_alone(stranger: Client) -> None:
    token = os.environ["WHATSAPP_VERIFY_TOKEN"]
    answer = handshake(stranger, hub_mode="subscribe", hub_verify_token=token, hub_challenge="1158201444")
    assert (answer.status, answer.raw) == (200, b"1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    markup = handshake(stranger, hub_mode="subscribe", hub_verify_token=token, hub_challenge="<script>alert(1)</script>")
    assert markup.headers["content-type"].startswith("text/plain")
    assert markup.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"hub_mode": "subscribe", "hub_challenge": "1"},
        {"hub_mode": "subscribe", "hub_verify_token": "", "hub_challenge": "1"},
        {"hub_mode": "subscribe", "hub_verify_token": "wrong", "hub_challenge": "1"},
        {"hub_mode": "subscribe", "hub_verify_token": "wröng", "hub_challenge": "1"},
        {"hub_mode": "unsubscribe", "hub_verify_token": "RIGHT", "hub_challenge": "1"},
        {"hub_verify_token": "RIGHT", "hub_challenge": "1"},
        {"hub_mode": "subscribe", "hub_verify_token": "RIGHT"},
        {"hub_mode": "subscribe", "hub_verify_token": "RIGHT", "hub_challenge": ""},
    ],
)
def test_any_other_handshake_is_refused(stranger: Client, query: dict[str, str]) -> None:
    right = os.environ["WHATSAPP_VERIFY_TOKEN"]
    answer = handshake(stranger, **{name: right if value == "RIGHT" else value for name, value in query.items()})
    assert (answer.status, answer.body["code"]) == (403, "wrong_verify_token")
    assert right not in answer.raw.decode()


def test_the_verify_token_is_compared_whole() -> None:
    right = {"hub.mode": "subscribe", "hub.verify_token": "token", "hub.challenge": "1"}
    assert challenge(right, "token") == "1"
    for wrong in ("toke", "tokens", "TOKEN", "", "t\ud800"):
        assert challenge(right | {"hub.verify_token": wrong}, "token") is None


def test_the_signature_is_over_the_bytes() -> None:
    content, header = VECTOR
    assert is_signed(content, header, SECRET)
    assert is_signed(b"", "sha256=" + hmac.new(SECRET.encode(), b"", hashlib.sha256).hexdigest(), SECRET)
    reserialised = json.dumps(json.loads(content)).encode()
    assert not is_signed(reserialised, header, SECRET)


@pytest.mark.parametrize(
    "make",
    [
        lambda good: "",
        lambda good: good.removeprefix("sha256="),
        lambda good: good.upper(),
        lambda good: "sha256=" + good.removeprefix("sha256=").upper(),
        lambda good: good[:-1],
        lambda good: good + "0",
        lambda good: f"{good},{good}",
        lambda good: "sha1=" + good.removeprefix("sha256="),
        lambda good: "sha256=",
        lambda good: "sha256=ä",
        lambda good: "sha256=\ud800",
    ],
)
def test_no_other_header_is_a_signature(make: Any) -> None:
    good = "sha256=" + hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()
    assert is_signed(b"{}", good, SECRET)
    assert not is_signed(b"{}", make(good), SECRET)
    assert not is_signed(b"{}", good, "another secret")


def test_what_is_not_signed_is_refused_and_not_queued(line: WhatsAppNumber, queue: Any) -> None:
    content = whatsapp_bodies.wire(whatsapp_bodies.body(whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text()])))
    good = whatsapp_bodies.signature(content)
    sha1 = "sha1=" + hmac.new(os.environ["WHATSAPP_APP_SECRET"].encode(), content, hashlib.sha1).hexdigest()
    refused: list[dict[str, str]] = [
        {},
        {"x-hub-signature": sha1},
        {"x-hub-signature-256": whatsapp_bodies.signature(content, "wrong")},
        {"x-hub-signature-256": good.upper()},
        {"x-hub-signature-256": whatsapp_bodies.signature(content + b" ")},
        {"x-hub-signature-256": whatsapp_bodies.signature(b"")},
    ]
    for headers in refused:
        answer = line.post(content, headers)
        assert (answer.status, answer.body["code"]) == (401, "bad_signature"), headers
    assert queue() == []
    assert line.post(content, {"x-hub-signature-256": good, "x-hub-signature": sha1}).status == 200
    assert len(queue()) == 1


def test_the_bytes_arrive_as_they_were_sent(line: WhatsAppNumber, queue: Any) -> None:
    content = whatsapp_bodies.wire(
        whatsapp_bodies.body(whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text('Grüße 👋 a/b "c" \\ \x07')]))
    )
    assert b"\\/" in content
    assert b"\\u00fc" in content
    assert line.post(content).status == 200
    (parcel,) = queue()
    assert unpack(parcel, lambda key: b"")[0] == content


@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream", "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_the_gateway_has_encoded_is_decoded_first(line: WhatsAppNumber, queue: Any, kind: str) -> None:
    content = whatsapp_bodies.wire(whatsapp_bodies.body(whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text()])))
    assert line.post(content, {"content-type": kind, "x-hub-signature-256": whatsapp_bodies.signature(content)}).status == 200
    assert unpack(queue()[0], lambda key: b"")[0] == content


def test_base64_that_is_none_is_refused(world: World) -> None:
    event = {
        "version": "2.0",
        "routeKey": f"POST {URL}",
        "rawPath": URL,
        "rawQueryString": "",
        "headers": {"x-hub-signature-256": "sha256=00"},
        "requestContext": {"http": {"method": "POST", "path": URL}, "requestId": "1", "stage": "$default"},
        "body": "a",
        "isBase64Encoded": True,
    }
    assert world.invoke("inbox/receive_webhook", event)["statusCode"] == 400


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"object":"page","entry":[]}',
        b'{"object":"whatsapp_business_account"}',
        b'{"object":"whatsapp_business_account","entry":{}}',
        b"\xff\xfe\x00",
        b'{"object":"\x00"}',
        b'{"a":NaN}',
        b"[" * 100_000,
        b"9" * 5000,
        "\ufeff{}".encode(),
    ],
)
def test_whatever_is_signed_gets_200_and_what_nobody_understands_goes_into_quarantine(
    line: WhatsAppNumber, quarantine: Quarantine, content: bytes
) -> None:
    answer = line.post(content)
    assert (answer.status, answer.raw) == (200, b"ok")
    line.world.pump()
    kept = {key: value for key, value in quarantine.fresh().items() if key.startswith("quarantine/")}
    assert list(kept.values()) == [content]
    assert next(iter(kept)).startswith("quarantine/webhooks/malformed/")
    assert line.counts() == (0, 0)


def test_a_body_too_large_for_a_queue_travels_by_s3(line: WhatsAppNumber, quarantine: Quarantine, queue: Any) -> None:
    messages = [whatsapp_bodies.text("ü" * 400 + "/") for _ in range(1000)]
    content = whatsapp_bodies.wire(
        whatsapp_bodies.body(whatsapp_bodies.change(line.number, messages=messages, contacts=[whatsapp_bodies.card()]))
    )
    assert 2_400_000 < len(content) < 3_000_000
    assert line.post(content).status == 200
    (parcel,) = queue()
    key = json.loads(parcel)["object_key"]
    assert key == f"webhooks/{now():%Y-%m-%d}/{hashlib.sha256(content).hexdigest()}.json"
    assert quarantine.fresh() == {key: content}
    line.world.pump()
    assert line.counts() == (1, 1000)
    assert line.conversation()["unread_count"] == 1000


def test_what_is_in_quarantine_stays_long_enough_for_a_person(world: World) -> None:
    rules = world.template.resources["MediaBucket"].properties["LifecycleConfiguration"]["Rules"]
    lives = [rule["ExpirationInDays"] for rule in rules if QUARANTINE.startswith(rule.get("Prefix", "")) and "ExpirationInDays" in rule]
    assert lives == [180]
    assert not QUARANTINE.startswith(FOLDER)


def test_what_lies_under_the_old_name_of_the_quarantine_is_delivered_again(line: WhatsAppNumber, world: World) -> None:
    """It was `set-aside/` for a time: what was kept there lives for 180 days more."""
    key = f"set-aside/webhooks/unknown-account/2026-11-30/{line.number}.json"
    content = whatsapp_bodies.wire(whatsapp_bodies.body(whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text("late")])))
    world.stack.clients.s3.put_object(Bucket=world.stack.environment["MEDIA_BUCKET"], Key=key, Body=content)
    message = json.dumps({"arrived_at": now().isoformat(), "object_key": key})
    world.stack.clients.sqs.send_message(QueueUrl=world.queue_url("InboxWebhooks"), MessageBody=message)
    world.pump()
    assert line.counts() == (1, 1)
    rules = world.template.resources["MediaBucket"].properties["LifecycleConfiguration"]["Rules"]
    assert [rule["ExpirationInDays"] for rule in rules if key.startswith(rule.get("Prefix", " "))] == [180]


@pytest.mark.parametrize("size", [MESSAGE_BYTES - 60, MESSAGE_BYTES - 52, MESSAGE_BYTES - 51, MESSAGE_BYTES, MESSAGE_BYTES + 1])
def test_a_parcel_is_never_larger_than_a_queue_takes(size: int) -> None:
    put: dict[str, bytes] = {}
    content = b"a" * size
    parcel = pack(content, now(), put.__setitem__)
    assert len(parcel) <= MESSAGE_BYTES
    assert unpack(parcel, put.__getitem__)[0] == content


def test_what_no_queue_may_carry_is_escaped() -> None:
    content = "".join(map(chr, [*range(0x20), 0x7F, 0xFFFE, 0xFFFF, 0x1F44B])).encode()
    parcel = pack(content, now(), lambda key, body: None)
    assert parcel.isascii()
    assert parcel.isprintable()
    assert unpack(parcel, lambda key: b"")[0] == content


def test_no_200_before_the_queue_has_confirmed(line: WhatsAppNumber, queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    content = whatsapp_bodies.wire(whatsapp_bodies.body(whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text()])))
    monkeypatch.setenv("INBOX_WEBHOOKS_QUEUE_URL", f"{os.environ['INBOX_WEBHOOKS_QUEUE_URL']}-gone")
    answer = line.post(content)
    assert answer.status == 503
    assert answer.headers["content-type"] == "application/problem+json"
    monkeypatch.undo()
    large = whatsapp_bodies.wire(
        whatsapp_bodies.body(whatsapp_bodies.change(line.number, messages=[whatsapp_bodies.text("a" * MESSAGE_BYTES)]))
    )
    monkeypatch.setenv("MEDIA_BUCKET", "there-is-no-such-bucket")
    assert line.post(large).status == 503
    monkeypatch.undo()
    assert queue() == []


def test_without_a_secret_nothing_is_signed(line: WhatsAppNumber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHATSAPP_APP_SECRET", "")
    signature = "sha256=" + hmac.new(b"", b"{}", hashlib.sha256).hexdigest()
    assert line.post(b"{}", {"x-hub-signature-256": signature}).status == 500


@pytest.mark.parametrize("handler", ["receive_webhook", "verify_webhook"])
def test_the_door_imports_neither_the_database_nor_boto3(handler: str) -> None:
    root = Path(__file__).parents[2]
    script = (
        f"import sys, {handler}; print([name for name in ('sqlalchemy', 'pg8000', 'boto3', 'botocore.session') if name in sys.modules])"
    )
    path = os.pathsep.join((str(root / "shared"), str(root / "functions" / "inbox")))
    done = subprocess.run([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["whatsapp_text", "whatsapp_statuses"])
def test_the_recorded_queue_events_are_taken(world: World, name: str) -> None:
    assert world.invoke("inbox/on_webhook_received", recorded(f"inbox_{name}_queue")) == {"batchItemFailures": []}


@pytest.mark.parametrize(("name", "function", "refused"), [("webhook", "receive_webhook", 401), ("handshake", "verify_webhook", 403)])
def test_the_recorded_requests_are_taken_with_the_stacks_own_secrets_alone(world: World, name: str, function: str, refused: int) -> None:
    event = recorded(f"inbox_whatsapp_{name}")
    assert world.invoke(f"inbox/{function}", event)["statusCode"] == refused
    assert world.invoke(f"inbox/{function}", filled(json.dumps(event), os.environ))["statusCode"] == 200
    world.pump()
