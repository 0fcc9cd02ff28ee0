"""An address agrees before it hears of events, so that nobody is sent what they did not ask for."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from parley.webhooks.endpoint_verification import MOST_TO_ONE_HOST, host_of
from tests.kernel.http_receivers import Receiver, Reply
from tests.webhooks.conftest import Clock
from tests.webhooks.webhook_scenarios import DELIVERIES, SUBSCRIPTIONS, WebhookScenario


def subscribe(shop: WebhookScenario, url: str) -> dict[str, Any]:
    answer = shop.member.post(SUBSCRIPTIONS, {"name": "New", "url": url, "events": ["booking.*"]})
    assert answer.status == 201, answer.raw
    return dict(answer.body)


def test_an_address_that_answers_the_challenge_gets_what_was_held(shop: WebhookScenario, endpoint: Receiver) -> None:
    made = subscribe(shop, endpoint.url)
    assert made["verified_at"] is None
    shop.book()
    shop.work()
    [challenge] = endpoint.challenges
    message = Webhook(made["secret"]).verify(challenge.body, challenge.headers)
    assert message["type"] == "webhook.challenge" and message["data"]["subscription_id"] == made["id"]
    assert [json.loads(arrival.body)["type"] for arrival in endpoint.arrived] == ["booking.created"]
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
def test_another_address_gets_three_challenges_and_nothing_else(
    shop: WebhookScenario, endpoint: Receiver, moved: Clock, answer: Reply
) -> None:
    endpoint.agrees, endpoint.answer = False, lambda _: answer
    made = subscribe(shop, endpoint.url)
    shop.book()
    for _ in range(6):
        shop.work()
        moved.move(timedelta(hours=1))
    assert (len(endpoint.challenges), endpoint.arrived) == (3, [])
    by_event = {delivery["event"]: delivery for delivery in shop.log()}
    assert by_event["webhook.challenge"]["status"] == "FAILED"
    assert (by_event["booking.created"]["status"], by_event["booking.created"]["next_retry_at"]) == ("PENDING", None)
    endpoint.agrees = True
    assert shop.post(f"{SUBSCRIPTIONS}/{made['id']}/ping").status == 202
    shop.work()
    assert [json.loads(arrival.body)["type"] for arrival in endpoint.arrived] == ["booking.created"]


def test_a_bare_echo_is_an_answer_too(shop: WebhookScenario, endpoint: Receiver) -> None:
    endpoint.agrees = False
    endpoint.answer = lambda arrival: Reply(200, f" {json.loads(arrival.body)['data']['challenge']}\n".encode())
    made = subscribe(shop, endpoint.url)
    shop.work()
    assert shop.subscription(made["id"])["verified_at"] is not None


def test_another_url_is_asked_anew(shop: WebhookScenario, endpoint: Receiver) -> None:
    made = subscribe(shop, endpoint.url)
    shop.work()
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    assert shop.member.patch(path, {"url": endpoint.url}).body["verified_at"] is not None
    endpoint.agrees = False
    assert shop.member.patch(path, {"url": f"{endpoint.url}/other"}).body["verified_at"] is None
    shop.book()
    shop.work()
    assert (endpoint.challenges[-1].path, endpoint.arrived) == ("/hook/other", [])


def test_forty_subscriptions_to_somebody_elses_address_are_a_few_challenges(
    shop: WebhookScenario, endpoint: Receiver, moved: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATE_LIMIT_FACTOR", "100")
    endpoint.agrees = False
    statuses = [
        shop.member.post(SUBSCRIPTIONS, {"name": "Flood", "url": f"{endpoint.url}/{at}", "events": ["*"]}).status for at in range(40)
    ]
    shop.book()
    for _ in range(4):
        shop.work()
        moved.move(timedelta(hours=1))
    assert statuses.count(201) == MOST_TO_ONE_HOST
    assert set(statuses) == {201, 409}
    assert endpoint.arrived == [] and len(endpoint.challenges) <= 3 * MOST_TO_ONE_HOST


def test_how_often_new_addresses_at_a_host_are_asked_is_limited(shop: WebhookScenario, endpoint: Receiver) -> None:
    answers = [shop.member.post(SUBSCRIPTIONS, {"name": "Flood", "url": f"{endpoint.url}/{at}", "events": ["*"]}) for at in range(12)]
    assert [answer.status for answer in answers] == [201] * 10 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) <= 360
    path = f"{SUBSCRIPTIONS}/{answers[0].body['id']}"
    assert shop.member.patch(path, {"url": f"{endpoint.url}/again"}).status == 429
    assert shop.post(f"{path}/ping").status == 429


def test_a_workflows_endpoint_agrees_like_any_other(shop: WebhookScenario, endpoint: Receiver) -> None:
    endpoint.agrees = False
    hook = {
        "name": "Hook",
        "channel": "WEBHOOK",
        "trigger": "BOOKING_CREATED",
        "is_organization_wide": True,
        "url": endpoint.url,
        "body": "x",
    }
    assert shop.member.post("/v1/scheduling/workflows", hook).status == 201
    shop.book()
    shop.work()
    assert (len(endpoint.challenges), endpoint.arrived) == (1, [])


def test_what_is_replayed_waits_for_the_address_too(shop: WebhookScenario, endpoint: Receiver) -> None:
    made = shop.subscribe(endpoint.url)
    shop.book()
    shop.work()
    [logged] = shop.log()
    endpoint.agrees = False
    assert shop.member.patch(f"{SUBSCRIPTIONS}/{made['id']}", {"url": f"{endpoint.url}/other"}).status == 200
    assert shop.post(f"{DELIVERIES}/{logged['id']}/replay").status == 202
    shop.work()
    assert [arrival.path for arrival in endpoint.arrived] == ["/hook"]


@pytest.mark.parametrize("again", ["replay", "replay_failed"])
def test_a_challenge_is_sent_again_by_nothing_that_is_not_counted(
    shop: WebhookScenario, endpoint: Receiver, moved: Clock, again: str
) -> None:
    endpoint.agrees = False
    made = subscribe(shop, endpoint.url)
    for _ in range(4):
        shop.work()
        moved.move(timedelta(hours=1))
    [challenge] = shop.log()
    assert (challenge["status"], len(endpoint.challenges)) == ("FAILED", 3)
    for _ in range(3):
        if again == "replay":
            answer = shop.post(f"{DELIVERIES}/{challenge['id']}/replay")
            assert (answer.status, answer.body["code"]) == (409, "nothing_to_replay")
        else:
            answer = shop.post(f"{SUBSCRIPTIONS}/{made['id']}/replay-failed", {"since": challenge["created_at"]})
            assert (answer.status, answer.body["replayed"]) == (202, 0), answer.raw
        shop.work()
    assert len(endpoint.challenges) == 3


def test_names_of_one_machine_without_end_are_not_asked_without_end(shop: WebhookScenario) -> None:
    """Whoever owns a domain points as many names at somebody's machine as they like, and makes room by deleting."""
    statuses = []
    for at in range(105):
        answer = shop.member.post(SUBSCRIPTIONS, {"name": "Flood", "url": f"https://a{at}.8-8-8-8.example.com/", "events": ["*"]})
        statuses.append(answer.status)
        if answer.status == 201:
            assert shop.member.delete(f"{SUBSCRIPTIONS}/{answer.body['id']}").status == 204
    assert (statuses.count(201), statuses.count(429)) == (100, 5)


def test_a_host_is_one_however_it_is_written(shop: WebhookScenario) -> None:
    hosts = ["https://example.com/a", "https://EXAMPLE.com./b", "https://example.com:8443/c", "https://Example.COM:443/d"]
    assert {host_of(url) for url in hosts} == {"example.com"}
    assert {host_of(url) for url in ("https://b\u00fccher.example/", "https://xn--bcher-kva.example./")} == {"xn--bcher-kva.example"}
    assert {host_of(url) for url in ("https://[2001:4860:4860::8888]/", "https://[2001:4860:4860:0:0:0:0:8888]:8443/")} == {
        "2001:4860:4860::8888"
    }
    answers = [
        shop.member.post(SUBSCRIPTIONS, {"name": "Flood", "url": f"https://{host}/{at}", "events": ["*"]})
        for at, host in enumerate(["dns.google", "DNS.google", "dns.google.", "dns.google:8443"] * 3)
    ]
    assert [answer.status for answer in answers] == [201] * 10 + [429] * 2


def test_who_waits_for_an_answer_never_sees_what_it_has_to_be(shop: WebhookScenario, endpoint: Receiver) -> None:
    """Else an address that gives back a header of ours could be made to agree."""
    endpoint.agrees = False
    made = subscribe(shop, endpoint.url)
    shop.work()
    [logged] = shop.log()
    challenge = json.loads(endpoint.challenges[0].body)["data"]["challenge"]
    for answer in (shop.member.get(f"{DELIVERIES}/{logged['id']}"), shop.member.get(f"{SUBSCRIPTIONS}/{made['id']}")):
        assert answer.status == 200
        assert challenge not in json.dumps(answer.body)


def test_an_answer_that_is_no_text_is_no_answer(shop: WebhookScenario, endpoint: Receiver) -> None:
    endpoint.agrees, endpoint.answer = False, lambda _: Reply(200, b'{"challenge": "\\ud800"}')
    subscribe(shop, endpoint.url)
    shop.work()
    [logged] = shop.log()
    assert (logged["status"], logged["error"]) == ("RETRYING", "challenge_not_answered")


def test_of_several_challenges_the_last_alone_goes_on(shop: WebhookScenario, endpoint: Receiver, moved: Clock) -> None:
    endpoint.agrees = False
    made = subscribe(shop, endpoint.url)
    shop.work()
    for at in range(3):
        assert shop.member.patch(f"{SUBSCRIPTIONS}/{made['id']}", {"url": f"{endpoint.url}/{at}"}).status == 200
    for _ in range(5):
        shop.work()
        moved.move(timedelta(hours=1))
    assert [arrival.path for arrival in endpoint.challenges] == ["/hook", *["/hook/2"] * 3]


def test_one_of_the_most_at_a_host_may_move_there(shop: WebhookScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMIT_FACTOR", "100")
    made = [subscribe(shop, f"https://8.8.8.8/{at}") for at in range(MOST_TO_ONE_HOST)]
    assert shop.member.patch(f"{SUBSCRIPTIONS}/{made[0]['id']}", {"url": "https://8.8.8.8/moved"}).status == 200
    elsewhere = subscribe(shop, "https://8.8.4.4/")
    answer = shop.member.patch(f"{SUBSCRIPTIONS}/{elsewhere['id']}", {"url": "https://8.8.8.8/too"})
    assert (answer.status, answer.body["code"]) == (409, "too_many_to_this_host")
