"""The sender and the signature: what leaves, in what form, and what becomes of whatever comes back."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook

from parley.kernel.values.ids import new_id
from parley.webhooks.declared import WebhooksEvent
from parley.webhooks.models import WebhookDelivery
from tests.harness import World, sqs_event
from tests.kernel.http_receivers import Receiver, Reply, raw
from tests.webhooks.conftest import Clock
from tests.webhooks.webhook_scenarios import DELIVERIES, SUBSCRIPTIONS, WebhookScenario, envelope

SEND, ON_EVENT = "webhooks/send_request", "webhooks/on_event"


def leased(shop: WebhookScenario, url: str) -> dict[str, Any]:
    """A request as it waits for the sender, and nobody else's."""
    shop.world.forget_events()
    shop.book()
    shop.world.invoke("platform/relay_outbox", {"Records": []})
    shop.world.sources["WebhooksOnEvent"].once()
    [request] = [json.loads(body) for body in shop.world.queued("WebhookRequests") if json.loads(body)["url"] == url]
    return dict(request)


def ended(shop: WebhookScenario, request: dict[str, Any], **outcome: Any) -> str:
    names = {name: request[name] for name in ("subscription_id", "delivery_id", "attempt_id")}
    whole = names | {"started_at": "2026-12-01T04:00:00Z", "duration_ms": 3, "status_code": 200} | outcome
    return envelope(shop.member, WebhooksEvent.ATTEMPT_ENDED, whole)


def test_a_signature_is_what_the_standard_says_byte_for_byte(shop: WebhookScenario, hook: Receiver) -> None:
    """By hand, from Standard Webhooks 1.0.0: base64 of HMAC-SHA-256 over `id.timestamp.body`."""
    made = shop.subscribe(hook.url)
    shop.post(f"{SUBSCRIPTIONS}/{made['id']}/ping")
    shop.work()
    [arrival] = hook.arrived
    signed = b".".join([arrival.headers["webhook-id"].encode(), arrival.headers["webhook-timestamp"].encode(), arrival.body])
    key = base64.b64decode(made["secret"].removeprefix("whsec_"), validate=True)
    assert arrival.headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert UUID(arrival.headers["webhook-id"]) and arrival.headers["webhook-timestamp"].isdigit()


@pytest.mark.parametrize("name", ["Grüße 🙂", '"\\ \u2028x', "\u202egnp", "</script>", "%00%0d%0a"])
def test_a_body_in_other_letters_is_signed_as_it_is_sent(shop: WebhookScenario, hook: Receiver, name: str) -> None:
    made = shop.subscribe(hook.url, name=name)
    shop.post(f"{SUBSCRIPTIONS}/{made['id']}/ping")
    shop.work()
    [arrival] = hook.arrived
    assert Webhook(made["secret"]).verify(arrival.body, arrival.headers)["data"]["name"] == name
    assert arrival.headers["content-length"] == str(len(arrival.body))


def test_headers_of_their_own_come_as_they_are_and_never_in_the_place_of_ours(shop: WebhookScenario, hook: Receiver) -> None:
    values = {"X-One": "a: b, c", "X-TWO": "~" * 1000, "authorization": 'Digest username="x"'}
    made = shop.subscribe(hook.url, headers=values)
    shop.post(f"{SUBSCRIPTIONS}/{made['id']}/ping")
    shop.work()
    [arrival] = hook.arrived
    assert {name: arrival.headers[name.lower()] for name in values} == values
    assert arrival.headers["user-agent"] == "Parley-Webhooks/1" and arrival.headers["content-type"] == "application/json"
    assert arrival.headers["accept-encoding"] == "identity" and "transfer-encoding" not in arrival.headers


def test_headers_go_to_the_origin_that_they_were_meant_for(shop: WebhookScenario, hook: Receiver) -> None:
    made = shop.subscribe(hook.url, headers={"x-one": "secret"})
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    assert shop.member.patch(path, {"url": f"{hook.url}/same-origin"}).body["header_names"] == ["x-one"]
    moved = shop.member.patch(path, {"url": "https://8.8.8.8/other"})
    assert (moved.status, moved.body["header_names"]) == (200, [])
    back = shop.member.patch(path, {"url": hook.url, "headers": {"x-two": "2"}})
    assert back.body["header_names"] == ["x-two"]
    shop.work()
    assert "x-one" not in hook.challenges[-1].headers and hook.challenges[-1].headers["x-two"] == "2"


ANSWERS: dict[str, tuple[Reply, int]] = {
    "NUL": (Reply(500, b"a\x00b"), 500),
    "no UTF-8": (Reply(400, b"\xff\xfe\xed\xa0\x80"), 400),
    "a megabyte": (Reply(500, b"\xff" * 1_000_000), 500),
    "JSON with lone surrogates": (Reply(422, b'{"error": "\\ud800"}'), 422),
    "an envelope of ours": (Reply(500, b'{"detail-type": "webhooks.attempt_ended"}'), 500),
    "another length": (Reply(500, b"short", {"content-length": "4000"}), 500),
    "headers in other letters": (Reply(500, b"", {"x-a": "\xff\xfe", "retry-after": "\xe9"}), 500),
    "599": (Reply(599, b""), 599),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_whatever_comes_back_is_noted_and_tried_again(shop: WebhookScenario, hook: Receiver, name: str) -> None:
    reply, status = ANSWERS[name]
    shop.subscribe(hook.url)
    hook.answer = lambda _: reply
    shop.book()
    shop.work()
    [logged] = shop.log()
    assert (logged["status"], logged["status_code"], logged["error"], logged["attempt_count"]) == ("RETRYING", status, None, 1)
    shown = shop.look(logged["id"])["response_body"]
    assert "\x00" not in shown and len(shown) <= 4096
    json.dumps(shown).encode()


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 999999 x\r\n\r\n", b"HTTP/1.1 099 x\r\n\r\n", b"<html>", b"HTTP/1.1 200 OK\r\n" + b"x" * 100_000]
)
def test_an_answer_that_is_none_is_an_error_of_the_attempt(shop: WebhookScenario, answer: bytes) -> None:
    def serve(connection: Any) -> None:
        connection.recv(65536)
        connection.sendall(answer)
        connection.close()

    with raw(serve) as url:
        shop.subscribe(url)
        shop.book()
        shop.work()
    [logged] = shop.log()
    assert (logged["status"], logged["status_code"]) == ("RETRYING", None)
    assert logged["error"] in {"bad_response", "connection_failed"}


@pytest.mark.parametrize("change", [{"url": None}, {"headers": []}, {"not_after": "soon"}, {"attempt_id": "1"}, None])
def test_a_request_that_can_not_be_read_fails_alone(shop: WebhookScenario, hook: Receiver, change: dict[str, Any] | None) -> None:
    shop.subscribe(hook.url)
    request = leased(shop, hook.url)
    wrong = "not JSON" if change is None else json.dumps(request | change)
    answer = shop.world.invoke(SEND, sqs_event(wrong, json.dumps(request)))
    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == ["message-0"]
    assert len(hook.arrived) == 1


def test_a_request_whose_report_is_lost_comes_again_with_the_same_id(world: World, shop: WebhookScenario, hook: Receiver) -> None:
    """At least once: the receiver compares ids."""
    shop.subscribe(hook.url)
    request = leased(shop, hook.url)
    with pytest.MonkeyPatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        answer = world.invoke(SEND, sqs_event(json.dumps(request)))
    assert len(answer["batchItemFailures"]) == 1
    shop.work()
    assert [arrival.headers["webhook-id"] for arrival in hook.arrived] == [request["delivery_id"]] * 2
    assert len({(arrival.body, arrival.headers["webhook-signature"]) for arrival in hook.arrived}) == 1
    assert [(row["status"], row["attempt_count"]) for row in shop.log()] == [("SUCCESS", 1)]


@pytest.mark.parametrize(
    "outcome", [{"delivery_id": str(new_id())}, {"attempt_id": str(new_id())}, {"subscription_id": str(new_id())}, {"error": "x"}]
)
def test_an_outcome_of_something_else_ends_nothing(shop: WebhookScenario, hook: Receiver, outcome: dict[str, Any]) -> None:
    shop.subscribe(hook.url)
    request = leased(shop, hook.url)
    assert shop.world.invoke(ON_EVENT, sqs_event(ended(shop, request, **outcome))) == {"batchItemFailures": []}
    [row] = shop.member.rows(select(WebhookDelivery))
    assert row.status.value == ("RETRYING" if "error" in outcome else "PENDING")
    assert (row.attempt_id is None) == ("error" in outcome)


def test_an_outcome_in_another_organizations_name_ends_nothing(world: World, shop: WebhookScenario, hook: Receiver) -> None:
    shop.subscribe(hook.url)
    request = leased(shop, hook.url)
    elsewhere = WebhookScenario(world, world.organization("Globex"))
    assert world.invoke(ON_EVENT, sqs_event(ended(elsewhere, request))) == {"batchItemFailures": []}
    assert [row.status.value for row in shop.member.rows(select(WebhookDelivery))] == ["PENDING"]


@pytest.mark.parametrize("act", ["disable", "delete", "move"])
def test_an_outcome_that_comes_after_the_subscription_changed(shop: WebhookScenario, hook: Receiver, moved: Clock, act: str) -> None:
    """The order turned around: what its owner did is heard of before how the attempt ended."""
    made = shop.subscribe(hook.url)
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    request = leased(shop, hook.url)
    answer = {
        "disable": lambda: shop.member.patch(path, {"is_active": False}),
        "delete": lambda: shop.member.delete(path),
        "move": lambda: shop.member.patch(path, {"url": "https://8.8.8.8/other"}),
    }[act]()
    assert answer.status == (204 if act == "delete" else 200)
    assert shop.world.invoke(ON_EVENT, sqs_event(ended(shop, request, status_code=500))) == {"batchItemFailures": []}
    logged = shop.look(request["delivery_id"])
    expected = {"disable": ("RETRYING", None), "delete": ("FAILED", "subscription_deleted"), "move": ("RETRYING", None)}
    assert (logged["status"], logged["error"]) == expected[act]
    moved.move(timedelta(hours=1))
    assert act == "move" or logged["next_retry_at"] is None
    assert shop.post(f"{DELIVERIES}/{logged['id']}/replay").status == (202 if act == "move" else 409)


def test_a_replay_while_it_is_being_sent_is_refused_and_after_its_lease_taken(shop: WebhookScenario, hook: Receiver, moved: Clock) -> None:
    shop.subscribe(hook.url)
    request = leased(shop, hook.url)
    path = f"{DELIVERIES}/{request['delivery_id']}/replay"
    refused = shop.post(path)
    assert (refused.status, refused.body["code"]) == (409, "nothing_to_replay")
    moved.move(timedelta(seconds=121))
    assert shop.post(path).status == 202
    assert shop.world.invoke(ON_EVENT, sqs_event(ended(shop, request))) == {"batchItemFailures": []}
    assert shop.look(request["delivery_id"])["status"] == "RETRYING", "the attempt that was replaced says nothing any more"
    shop.work()
    assert (shop.look(request["delivery_id"])["status"], len(hook.arrived)) == ("SUCCESS", 1)
