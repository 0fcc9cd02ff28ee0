"""Waits and pauses, as numbers: whatever an endpoint asks for, and however the dice fall, they stay within what is promised."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from parley.webhooks import retry_policy
from parley.webhooks.retry_policy import LONGEST_PAUSE, LONGEST_RETRY_AFTER, SHORTEST_PAUSE, SHORTEST_RETRY_SPAN, WAITS, pause, wait
from tests.kernel.http_receivers import Receiver, Reply
from tests.webhooks.webhook_scenarios import WebhookScenario

AT = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WISHES = [
    ("0", timedelta(0)),
    ("7", timedelta(seconds=7)),
    ("007", timedelta(seconds=7)),
    ("0000000000600", timedelta(minutes=10)),
    ("86400", DAY),
    ("1200000000", timedelta(seconds=10**9)),
    ("9" * 100, timedelta(seconds=10**9)),
    (" 7", timedelta(0)),
    ("7 ", timedelta(0)),
    ("+7", timedelta(0)),
    ("7.5", timedelta(0)),
    ("7, 8", timedelta(0)),
    ("0x10", timedelta(0)),
    ("1_000", timedelta(0)),
    ("²", timedelta(0)),
    ("七", timedelta(0)),
    ("Tue, 01 Dec 2026 12:00:30 GMT", timedelta(seconds=30)),
    ("Tuesday, 01-Dec-26 12:00:30 GMT", timedelta(seconds=30)),  # RFC 850, which receivers have to read
    ("Tue, 01 Dec 2026 14:00:30 +0200", timedelta(seconds=30)),
    ("Tue, 01 Dec 2026 12:00:30 -0000", timedelta(seconds=30)),  # a date without a zone is one in UTC
    ("Sat, 01 Jan 2199 00:00:00 GMT", datetime(2199, 1, 1, tzinfo=UTC) - AT),
    ("Fri, 31 Dec 9999 23:59:59 GMT", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - AT),
    ("Fri, 31 Dec 9999 23:59:59 -2359", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - AT + timedelta(hours=23, minutes=59)),
    ("Mon, 01 Jan 0001 00:00:00 +2359", timedelta(0)),
    ("Thu, 01 Jan 1970 00:00:00 GMT", timedelta(0)),
    ("Tue, 31 Feb 2026 12:00:00 GMT", timedelta(0)),
    ("Tue, 01 Dec 2026 25:61:61 GMT", timedelta(0)),
    ("Tue, 01 Dec 2026 12:00:30 +9999", timedelta(0)),
    ("Tue, 01 Dec 99999999999 12:00:30 GMT", timedelta(0)),
    ("2026-12-01T12:00:30Z", timedelta(0)),
    ("now", timedelta(0)),
    (",", timedelta(0)),
    ("\ud800", timedelta(0)),
    ("(" * 100, timedelta(0)),
]


@pytest.mark.parametrize(("wish", "delay"), WISHES)
def test_what_a_retry_after_asks_for(wish: str, delay: timedelta) -> None:
    assert retry_policy.retry_after_delay(wish, AT) == delay


def test_no_text_of_a_stranger_is_more_than_a_wish() -> None:
    """Whatever the header says, it is read without an error, and never asks for the past."""
    dice = random.Random(20261201)
    letters = "0123456789 ,:+-GMTZDecTue()\\\"'<>@.\x00\t\u0660\ud800é"
    for _ in range(3000):
        text = "".join(dice.choices(letters, k=dice.randrange(30)))
        assert retry_policy.retry_after_delay(text, AT) >= timedelta(0), text
    moment = "Tue, 01 Dec 2026 12:00:30 GMT"
    for _ in range(3000):
        position = dice.randrange(len(moment))
        text = moment[:position] + dice.choice(letters) + moment[position + dice.randrange(3) :]
        assert retry_policy.retry_after_delay(text, AT) >= timedelta(0), text


@pytest.mark.parametrize("step", range(len(WAITS)))
@pytest.mark.parametrize("dice", [0.0, 0.5, 1.0])
def test_a_wait_lies_around_its_plan_unless_a_later_moment_is_asked_for(step: int, dice: float) -> None:
    planned = wait(step, DAY, None, AT, lambda: dice)
    assert planned == WAITS[step] * (0.8 + 0.4 * dice) or step == len(WAITS) - 1
    assert wait(step, DAY, "1", AT, lambda: dice) == max(planned, timedelta(seconds=1))
    assert wait(step, DAY, str(20 * 3600), AT, lambda: dice) == timedelta(hours=20)
    assert wait(step, DAY, "999999999", AT, lambda: dice) == LONGEST_RETRY_AFTER
    assert wait(step, DAY, "Fri, 31 Dec 9999 23:59:59 GMT", AT, lambda: dice) == LONGEST_RETRY_AFTER


@pytest.mark.parametrize("since", [timedelta(0), timedelta(hours=5), timedelta(hours=24), timedelta(hours=40), timedelta(days=400)])
def test_the_last_wait_fills_the_span_and_is_never_shorter_than_its_own(since: timedelta) -> None:
    last = len(WAITS) - 1
    waited = wait(last, since, None, AT, lambda: 0.0)
    assert waited == max(WAITS[last] * 0.8, SHORTEST_RETRY_SPAN - since)
    assert wait(last - 1, since, None, AT, lambda: 0.0) == WAITS[last - 1] * 0.8, "the others know nothing of the span"


@pytest.mark.parametrize(
    ("status", "wish", "paused"),
    [
        (429, None, SHORTEST_PAUSE),
        (429, "0", SHORTEST_PAUSE),
        (502, "nonsense", SHORTEST_PAUSE),
        (504, "60", timedelta(minutes=1)),
        (429, "999999999", LONGEST_PAUSE),
        (429, "Sat, 01 Jan 2199 00:00:00 GMT", LONGEST_PAUSE),
        (503, None, timedelta(0)),
        (503, "0", timedelta(0)),
        (503, "60", timedelta(minutes=1)),
        (503, "999999999", LONGEST_PAUSE),
        (500, "60", timedelta(0)),
        (408, "60", timedelta(0)),
        (301, "60", timedelta(0)),
        (200, "60", timedelta(0)),
        (None, "60", timedelta(0)),
    ],
)
def test_for_how_long_an_endpoint_is_left_alone(status: int | None, wish: str | None, paused: timedelta) -> None:
    assert pause(status, wish, AT) == paused


@pytest.mark.parametrize(
    "wish", ["\u00e9" * 60, "9" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT", "-1", "Tue, 01 Dec 2026 12:00:30 +9999", " ", "\t"]
)
def test_a_hostile_wish_by_http_is_an_attempt_like_any_other(shop: WebhookScenario, hook: Receiver, wish: str) -> None:
    shop.subscribe(hook.url)
    hook.answer = lambda _: Reply(500, b"no", {"retry-after": wish})
    shop.book()
    shop.work()
    [logged] = shop.log()
    assert (logged["status"], logged["status_code"], logged["error"]) == ("RETRYING", 500, None)
    due, tried = (datetime.fromisoformat(logged[name]) for name in ("next_retry_at", "last_attempted_at"))
    assert timedelta(seconds=4) <= due - tried <= LONGEST_RETRY_AFTER + timedelta(seconds=10)
