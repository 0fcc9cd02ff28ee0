"""Tried again, and again: the schedule, who is down for a day, who is down for good. The clock is the test's."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook

from parley.identity.models import User
from parley.kernel.audit.audit import AuditLog
from parley.kernel.values import clock
from parley.webhooks import retry_policy
from parley.webhooks.models import WebhookSubscription
from tests.harness import World
from tests.kernel.http_receivers import ReceivedRequest, Receiver, Reply
from tests.webhooks.conftest import Clock
from tests.webhooks.webhook_scenarios import SUBSCRIPTIONS, WebhookScenario

HOUR = timedelta(hours=1)
WAITS = [0, 5, 300, 1800, 7200, 18000, 36000, 36000]  # seconds, as they are promised


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def down(_: ReceivedRequest) -> Reply:
    return Reply(503, b"later")


def until_tried_again(shop: WebhookScenario, moved: Clock, delivery_id: str) -> timedelta:
    """Move the clock to the next attempt, and have it made. Returns the wait that there was."""
    due = instant(shop.look(delivery_id)["next_retry_at"])
    waited = due - clock.now()
    moved.move(waited - timedelta(seconds=1))
    shop.work()
    tried = shop.look(delivery_id)["attempt_count"]
    moved.move(timedelta(seconds=2))
    shop.work()
    assert shop.look(delivery_id)["attempt_count"] == tried + 1, "not a second early, and not late"
    return waited


def test_the_schedule_is_kept_with_its_jitter_and_every_attempt_is_the_same_message(
    shop: WebhookScenario, endpoint: Receiver, moved: Clock
) -> None:
    made = shop.subscribe(endpoint.url)
    endpoint.answer = lambda _: Reply(500, b"no")
    shop.book()
    shop.work()
    [logged] = shop.log()
    assert (logged["status"], logged["attempt_count"], logged["status_code"]) == ("RETRYING", 1, 500)

    waits = [until_tried_again(shop, moved, logged["id"]).total_seconds() for _ in WAITS[1:]]
    assert all(0.8 * planned - 3 <= waited <= 1.2 * planned + 3 for waited, planned in zip(waits, WAITS[1:], strict=True)), waits
    assert any(abs(waited - planned) > 2 for waited, planned in zip(waits, WAITS[1:], strict=True)), "there is jitter"

    ended = shop.look(logged["id"])
    assert (ended["status"], ended["attempt_count"], ended["next_retry_at"]) == ("FAILED", 8, None)
    assert [attempt["status_code"] for attempt in ended["attempts"]] == [500] * 8
    assert len({(arrival.headers["webhook-id"], arrival.body) for arrival in endpoint.arrived}) == 1
    assert len({arrival.headers["webhook-timestamp"] for arrival in endpoint.arrived}) == 8
    for arrival in endpoint.arrived:
        at = datetime.fromtimestamp(int(arrival.headers["webhook-timestamp"]), UTC)
        assert arrival.headers["webhook-signature"] == Webhook(made["secret"]).sign(
            arrival.headers["webhook-id"], at, arrival.body.decode()
        )
    moved.move(timedelta(days=2))
    shop.work()
    assert len(endpoint.arrived) == 8


@pytest.mark.parametrize("dice", [lambda: 0.0, lambda: 1.0, random.Random(7).random], ids=["shortest", "longest", "any"])
def test_the_last_attempt_outlasts_a_day_whatever_the_jitter(dice: Callable[[], float]) -> None:
    at, since = datetime.now(UTC), timedelta(0)
    for step in range(1, len(retry_policy.WAITS)):
        waited = retry_policy.wait(step, since, None, at, dice)
        assert 0.8 * retry_policy.WAITS[step] <= waited <= 1.2 * retry_policy.WAITS[step]
        since += waited
    assert timedelta(hours=25) <= since <= timedelta(hours=33.5)


@pytest.mark.parametrize("dice", [0.0, 1.0])
def test_a_receiver_that_is_down_for_a_day_misses_nothing(
    shop: WebhookScenario, endpoint: Receiver, moved: Clock, monkeypatch: pytest.MonkeyPatch, dice: float
) -> None:
    monkeypatch.setattr(retry_policy, "wait", partial(retry_policy.wait, dice=lambda: dice))
    shop.subscribe(endpoint.url)
    endpoint.answer = down
    booked = []
    for hour in range(24):
        if hour % 3 == 0:
            booked.append(shop.book())
        shop.work()
        moved.move(HOUR)
    assert {delivery["status"] for delivery in shop.log()} == {"RETRYING"}

    got: list[str] = []
    endpoint.arrived.clear()
    endpoint.answer = lambda arrival: got.append(arrival.headers["webhook-id"]) or Reply()  # type: ignore[func-returns-value]  # one expression
    for _ in range(15):
        shop.work()
        moved.move(HOUR)
    logged = shop.log()
    assert {delivery["status"] for delivery in logged} == {"SUCCESS"}
    assert {delivery["entity_id"] for delivery in logged} == set(booked)
    assert sorted(got) == sorted(delivery["id"] for delivery in logged), "each of them once"


@pytest.mark.parametrize(
    ("status", "wish", "seconds"),
    [(503, "3600", (3600, 3600)), (429, "120", (120, 120)), (429, "1", (4, 6)), (503, "999999999", (86400, 86400)), (503, "soon", (4, 6))],
)
def test_a_receiver_says_when_to_come_again(
    shop: WebhookScenario, endpoint: Receiver, status: int, wish: str, seconds: tuple[int, int]
) -> None:
    shop.subscribe(endpoint.url)
    endpoint.answer = lambda _: Reply(status, b"", {"retry-after": wish})
    shop.book()
    shop.work()
    [logged] = shop.log()
    waited = (instant(logged["next_retry_at"]) - instant(logged["last_attempted_at"])).total_seconds()
    assert seconds[0] <= waited <= seconds[1] + 3


@pytest.mark.parametrize(
    ("status", "wish", "pause"),
    [
        (429, "600", timedelta(minutes=10)),
        (503, "600", timedelta(minutes=10)),
        (429, "86400", timedelta(hours=1)),
        (429, "", timedelta(seconds=5)),
        (502, "", timedelta(seconds=5)),
        (504, "", timedelta(seconds=5)),
    ],
)
def test_who_is_under_load_gets_nothing_at_all_for_a_while(
    shop: WebhookScenario, endpoint: Receiver, moved: Clock, status: int, wish: str, pause: timedelta
) -> None:
    made = shop.subscribe(endpoint.url)
    endpoint.answer = lambda _: Reply(status, b"", {"retry-after": wish} if wish else {})
    shop.book()
    shop.work()
    assert len(endpoint.arrived) == 1
    assert instant(shop.subscription(made["id"])["paused_until"]) == clock.now() + pause
    endpoint.answer = lambda _: Reply()
    shop.book()  # it is new, and was not refused: but its endpoint is under load
    moved.move(pause - timedelta(seconds=1))
    shop.work()
    assert len(endpoint.arrived) == 1
    assert [delivery["attempt_count"] for delivery in shop.log()] == [0, 1]
    moved.move(timedelta(seconds=2))
    shop.work()
    assert len(endpoint.arrived) > 1 and shop.log()[0]["status"] == "SUCCESS"


def test_a_pause_is_not_for_tests_nor_for_another_address(shop: WebhookScenario, endpoint: Receiver, moved: Clock) -> None:
    made = shop.subscribe(endpoint.url)
    endpoint.answer = lambda _: Reply(429, b"", {"retry-after": "1800"})
    shop.book()
    shop.work()
    assert shop.post(f"{SUBSCRIPTIONS}/{made['id']}/ping").status == 202
    shop.work()
    assert [delivery["event"] for delivery in shop.log(status="FAILED")] == ["ping"]
    endpoint.answer = lambda _: Reply()
    shop.book()
    shop.work()
    assert len(endpoint.arrived) == 2
    moved_to = shop.member.patch(f"{SUBSCRIPTIONS}/{made['id']}", {"url": f"{endpoint.url}/new"})
    assert (moved_to.status, moved_to.body["paused_until"]) == (200, None)
    shop.work()
    # The new address agreed, and both bookings that waited are sent to it.
    assert [arrival.path for arrival in endpoint.arrived] == ["/hook", "/hook", "/hook/new", "/hook/new"]


@pytest.mark.parametrize(("status", "wish"), [(400, "1800"), (404, "1800"), (410, "1800"), (500, "1800"), (503, "soon")])
def test_who_refuses_one_message_is_not_under_load(shop: WebhookScenario, endpoint: Receiver, status: int, wish: str) -> None:
    made = shop.subscribe(endpoint.url)
    endpoint.answer = lambda _: Reply(status, b"", {"retry-after": wish})
    shop.book()
    shop.work()
    assert shop.subscription(made["id"])["paused_until"] is None


def test_what_was_held_begins_its_attempts_anew(shop: WebhookScenario, endpoint: Receiver, moved: Clock) -> None:
    made = shop.subscribe(endpoint.url)
    endpoint.answer = lambda _: Reply(500)
    shop.book()
    shop.work()
    [logged] = shop.log()
    for _ in range(6):
        until_tried_again(shop, moved, logged["id"])
    for is_active in (False, True):
        assert shop.member.patch(f"{SUBSCRIPTIONS}/{made['id']}", {"is_active": is_active}).status == 200
    shop.work()
    [logged] = shop.log()
    assert (logged["status"], logged["attempt_count"]) == ("RETRYING", 8), "it would have been the last attempt"


def test_a_date_is_a_wish_too() -> None:
    at = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
    assert retry_policy.retry_after_delay("Sat, 21 Nov 2026 05:00:00 GMT", at) == HOUR
    assert retry_policy.retry_after_delay("Sat, 21 Nov 2026 03:00:00 GMT", at) == timedelta(0)
    for nonsense in ("", None, "-5", "1e9", "٣", "Sat, 99 Nov 2026", "\x00"):
        assert retry_policy.retry_after_delay(nonsense, at) == timedelta(0)


@pytest.mark.parametrize("status", [100, 199, 300, 302, 304, 400, 401, 404, 500])
def test_what_is_not_2xx_is_a_failure(shop: WebhookScenario, endpoint: Receiver, status: int) -> None:
    shop.subscribe(endpoint.url)
    endpoint.answer = lambda _: Reply(status, b"" if status in (100, 199, 304) else b"no", {"location": "http://127.0.0.1:1/"})
    shop.book()
    shop.work()
    [logged] = shop.log()
    assert logged["status"] == "RETRYING" and len(endpoint.arrived) == 1


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_a_success(shop: WebhookScenario, endpoint: Receiver, status: int) -> None:
    shop.subscribe(endpoint.url)
    endpoint.answer = lambda _: Reply(status, b"")
    shop.book()
    shop.work()
    assert [(delivery["status"], delivery["status_code"]) for delivery in shop.log()] == [("SUCCESS", status)]


def mails_to(world: World, shop: WebhookScenario) -> list[str]:
    """To the owner, of webhooks."""
    mails = [mail["raw"] for mail in world.mails() if str(shop.member.user_id) in str(mail["to"])]
    return [raw for raw in mails if "Subject: The webhook" in raw]


def test_who_is_gone_is_disabled_at_once_and_its_owner_hears_of_it(world: World, shop: WebhookScenario, endpoint: Receiver) -> None:
    made = shop.subscribe(endpoint.url)
    endpoint.answer = lambda _: Reply(410, b"bye")
    shop.book()
    shop.work()
    row = shop.subscription(made["id"])
    assert (row["is_active"], row["disabled_reason"]) == (False, "GONE")
    assert [delivery["status"] for delivery in shop.log()] == ["FAILED"]
    assert shop.member.rows(select(AuditLog.new_values).where(AuditLog.action == "webhook_subscription.disabled")) == [{"reason": "GONE"}]
    [mail] = mails_to(world, shop)
    assert "was disabled" in mail and "410" in mail


def test_days_of_nothing_but_failures_disable_with_a_warning_before(
    world: World, shop: WebhookScenario, endpoint: Receiver, moved: Clock
) -> None:
    made = shop.subscribe(endpoint.url)
    admin = shop.member.as_role("ADMIN")
    member = shop.member.as_role("MEMBER")
    endpoint.answer = down
    shop.book()
    for _ in range(40):
        shop.work()
        moved.move(HOUR)
    assert [delivery["status"] for delivery in shop.log()] == ["FAILED"]
    assert shop.subscription(made["id"])["is_active"], "one event is not enough"
    [warning] = mails_to(world, shop)
    assert "fails" in warning

    moved.move(timedelta(days=3, hours=9))
    shop.book()
    shop.work()
    row = shop.subscription(made["id"])
    assert (row["is_active"], row["disabled_reason"]) == (True, None), "nine attempts"
    moved.move(timedelta(hours=1))
    shop.work()
    row = shop.subscription(made["id"])
    assert (row["is_active"], row["disabled_reason"]) == (False, "FAILING")
    assert ["was disabled" in mail for mail in mails_to(world, shop)] == [False, True]
    to = str([mail["to"] for mail in world.mails()])
    [of_admin] = shop.member.rows(select(User.email).where(User.id == admin.user_id))
    [of_member] = shop.member.rows(select(User.email).where(User.id == member.user_id))
    assert of_admin in to and of_member not in to

    endpoint.answer = lambda _: Reply()
    assert shop.post(f"{SUBSCRIPTIONS}/{made['id']}/enable").status == 200
    shop.work()
    assert sorted(delivery["status"] for delivery in shop.log()) == ["FAILED", "SUCCESS"], "the second one was held"


def test_a_success_ends_the_count(shop: WebhookScenario, endpoint: Receiver, moved: Clock) -> None:
    made = shop.subscribe(endpoint.url)
    endpoint.answer = down
    shop.book()
    for _ in range(10):
        shop.work()
        moved.move(HOUR)
    assert shop.subscription(made["id"])["failing_since"]
    endpoint.answer = lambda _: Reply()
    moved.move(timedelta(days=6))
    shop.work()
    row = shop.subscription(made["id"])
    assert (row["is_active"], row["failing_since"]) == (True, None) and row["last_success_at"]
    [kept] = shop.member.rows(select(WebhookSubscription.consecutive_failures))
    assert kept == 0


def test_a_resolver_of_ours_that_is_away_is_not_held_against_anybody(
    shop: WebhookScenario, moved: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    made = shop.subscribe("https://hooks.acme.example/in")
    resolved = socket.getaddrinfo

    def away(host: str, *rest: object, **named: object) -> object:
        if host == "hooks.acme.example":
            raise socket.gaierror(socket.EAI_AGAIN, "try again")
        return resolved(host, *rest, **named)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(socket, "getaddrinfo", away)
    shop.book()
    for _ in range(6):
        shop.work()
        moved.move(timedelta(days=1))
    [logged] = shop.log()
    assert (logged["error"], logged["status_code"]) == ("resolver_away", None)
    row = shop.subscription(made["id"])
    assert (row["is_active"], row["failing_since"]) == (True, None)
