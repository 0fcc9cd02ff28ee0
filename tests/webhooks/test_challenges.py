"""An address agrees before it hears of events, so that nobody is sent what they did not ask for."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from parley.webhooks.endpoint_proof import MOST_TO_ONE_HOST
from tests.kernel.receivers import Receiver, Reply
from tests.webhooks.conftest import Clock
from tests.webhooks.shop import DELIVERIES, SUBSCRIPTIONS, Shop


def subscribe(shop: Shop, url: str) -> dict[str, Any]:
    answer = shop.member.post(SUBSCRIPTIONS, {"name": "New", "url": url, "events": ["booking.*"]})
    assert answer.status == 201, answer.raw
    return dict(answer.body)


def test_an_address_that_answers_the_challenge_gets_what_was_held(shop: Shop, there: Receiver) -> None:
    made = subscribe(shop, there.url)
    assert made["verified_at"] is None
    shop.book()
    shop.work()
    [asked] = there.challenges
    message = Webhook(made["secret"]).verify(asked.body, asked.headers)
    assert message["type"] == "webhook.challenge" and message["data"]["subscription_id"] == made["id"]
    assert [json.loads(one.body)["type"] for one in there.arrived] == ["booking.created"]
    assert shop.subscription(made["id"])["verified_at"] is not None


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, b"ok"),
        Reply(200, b""),
        Reply(204, b""),
        Reply(200, b'{"challenge": "another"}'),
        Reply(200, b'{"challenge": null}'),
        Reply(200, b"[" * 4000),
        Reply(302, b"", {"location": "https://8.8.8.8/"}),
        Reply(404, b"no"),
        Reply(500, b"no"),
    ],
)
def test_another_address_gets_three_challenges_and_nothing_else(shop: Shop, there: Receiver, moved: Clock, answer: Reply) -> None:
    there.agrees, there.answer = False, lambda _: answer
    made = subscribe(shop, there.url)
    shop.book()
    for _ in range(6):
        shop.work()
        moved.move(timedelta(hours=1))
    assert (len(there.challenges), there.arrived) == (3, [])
    by_event = {one["event"]: one for one in shop.log()}
    assert by_event["webhook.challenge"]["status"] == "FAILED"
    assert (by_event["booking.created"]["status"], by_event["booking.created"]["next_retry_at"]) == ("PENDING", None)
    there.agrees = True
    assert shop.post(f"{SUBSCRIPTIONS}/{made['id']}/ping").status == 202
    shop.work()
    assert [json.loads(one.body)["type"] for one in there.arrived] == ["booking.created"]


def test_a_bare_echo_is_an_answer_too(shop: Shop, there: Receiver) -> None:
    there.agrees = False
    there.answer = lambda one: Reply(200, f" {json.loads(one.body)['data']['challenge']}\n".encode())
    made = subscribe(shop, there.url)
    shop.work()
    assert shop.subscription(made["id"])["verified_at"] is not None


def test_another_url_is_asked_anew(shop: Shop, there: Receiver) -> None:
    made = subscribe(shop, there.url)
    shop.work()
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    assert shop.member.patch(path, {"url": there.url}).body["verified_at"] is not None
    there.agrees = False
    assert shop.member.patch(path, {"url": f"{there.url}/other"}).body["verified_at"] is None
    shop.book()
    shop.work()
    assert (there.challenges[-1].path, there.arrived) == ("/hook/other", [])


def test_forty_subscriptions_to_somebody_elses_address_are_a_few_challenges(
    shop: Shop, there: Receiver, moved: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATE_LIMIT_FACTOR", "100")
    there.agrees = False
    statuses = [shop.member.post(SUBSCRIPTIONS, {"name": "Flood", "url": f"{there.url}/{at}", "events": ["*"]}).status for at in range(40)]
    shop.book()
    for _ in range(4):
        shop.work()
        moved.move(timedelta(hours=1))
    assert statuses.count(201) == MOST_TO_ONE_HOST
    assert set(statuses) == {201, 409}
    assert there.arrived == [] and len(there.challenges) <= 3 * MOST_TO_ONE_HOST


def test_how_often_new_addresses_at_a_host_are_asked_is_limited(shop: Shop, there: Receiver) -> None:
    answers = [shop.member.post(SUBSCRIPTIONS, {"name": "Flood", "url": f"{there.url}/{at}", "events": ["*"]}) for at in range(12)]
    assert [answer.status for answer in answers] == [201] * 10 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) <= 360
    path = f"{SUBSCRIPTIONS}/{answers[0].body['id']}"
    assert shop.member.patch(path, {"url": f"{there.url}/again"}).status == 429
    assert shop.post(f"{path}/ping").status == 429


def test_a_workflows_endpoint_agrees_like_any_other(shop: Shop, there: Receiver) -> None:
    there.agrees = False
    hook = {"name": "Hook", "channel": "WEBHOOK", "trigger": "BOOKING_CREATED", "is_organization_wide": True, "url": there.url, "body": "x"}
    assert shop.member.post("/v1/scheduling/workflows", hook).status == 201
    shop.book()
    shop.work()
    assert (len(there.challenges), there.arrived) == (1, [])


def test_what_is_replayed_waits_for_the_address_too(shop: Shop, there: Receiver) -> None:
    made = shop.subscribe(there.url)
    shop.book()
    shop.work()
    [logged] = shop.log()
    there.agrees = False
    assert shop.member.patch(f"{SUBSCRIPTIONS}/{made['id']}", {"url": f"{there.url}/other"}).status == 200
    assert shop.post(f"{DELIVERIES}/{logged['id']}/replay").status == 202
    shop.work()
    assert [one.path for one in there.arrived] == ["/hook"]
