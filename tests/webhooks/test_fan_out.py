"""From an event of the bus to deliveries: for whom, how often, with what body, and what becomes of an event that can't be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from parley.kernel.values.ids import new_id
from parley.webhooks.event_catalogue import catalogue, events_of
from parley.webhooks.fan_out import LONGEST_BODY, body
from parley.webhooks.models import WebhookDelivery
from tests.harness import World, sqs_event
from tests.kernel.http_receivers import Receiver, Reply
from tests.kernel.postgres_proxy import wired
from tests.webhooks.conftest import Clock
from tests.webhooks.webhook_scenarios import SUBSCRIPTIONS, URL, WebhookScenario, envelope

ON_EVENT = "webhooks/on_event"
DONE: dict[str, list[Any]] = {"batchItemFailures": []}


def names_of(source: str, payload: dict[str, Any]) -> list[str]:
    return [event.name for event in events_of(source, payload)]


def failed(answer: Any) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def created(shop: WebhookScenario, booking: str, event_id: str | None = None, **other: Any) -> str:
    return envelope(shop.member, "scheduling.booking_created", {"booking_id": booking}, event_id, **other)


def pairs(shop: WebhookScenario) -> list[tuple[str, str]]:
    """Subscription and event of every delivery, sorted."""
    return sorted((str(row.subscription_id), row.event) for row in shop.member.rows(select(WebhookDelivery)))


def test_each_subscription_hears_what_its_patterns_cover_and_each_event_once(shop: WebhookScenario) -> None:
    patterns = (["booking.*"], ["booking.created", "booking.*", "*"], ["invitee.created"], ["scheduling.*"], ["message.*"], ["*"])
    booked = shop.book()
    by_pattern = [shop.subscribe(URL, events=tuple(events))["id"] for events in patterns]
    assert shop.world.invoke(ON_EVENT, sqs_event(created(shop, booked))) == DONE
    both = ["booking.created", "invitee.created"]
    heard = dict(zip(by_pattern, (["booking.created"], both, ["invitee.created"], both, [], both), strict=True))
    assert pairs(shop) == sorted((subscription, event) for subscription, events in heard.items() for event in events)


def test_events_in_the_wrong_order_are_each_delivered(shop: WebhookScenario, hook: Receiver) -> None:
    """Canceled before it was created, and updated last: the receiver sorts, by the timestamps of the events."""
    booked = shop.book()
    shop.subscribe(hook.url)
    names = ("scheduling.booking_canceled", "scheduling.booking_created", "scheduling.booking_updated")
    messages = [
        envelope(shop.member, name, {"booking_id": booked}, occurred_at=f"2026-11-21T04:0{minute}:00Z")
        for name, minute in zip(names, (2, 0, 1), strict=True)
    ]
    assert shop.world.invoke(ON_EVENT, sqs_event(*messages)) == DONE
    shop.work()
    contents = [json.loads(arrival.body) for arrival in hook.arrived if b"2026-11-21T04:0" in arrival.body]
    assert [content["type"] for content in sorted(contents, key=lambda content: str(content["timestamp"]))] == [
        "booking.created",
        "booking.updated",
        "booking.canceled",
    ]


def test_one_event_of_two_names_that_comes_twice_in_one_batch_is_two_deliveries(shop: WebhookScenario, hook: Receiver) -> None:
    booked = shop.book()
    shop.world.pump()
    made = shop.subscribe(hook.url, events=("*",))
    message = created(shop, booked, str(new_id()))
    assert shop.world.invoke(ON_EVENT, sqs_event(message, message, message)) == DONE
    assert pairs(shop) == [(made["id"], "booking.created"), (made["id"], "invitee.created")]
    shop.work()
    assert len(hook.arrived) == 2
    assert len({arrival.headers["webhook-id"] for arrival in hook.arrived}) == 2


WRONG: dict[str, Any] = {
    "no JSON": "{",
    "nothing": "",
    "a list": "[]",
    "null": "null",
    "no envelope": "{}",
    "no name": json.dumps({"detail": {}}),
    "a detail of text": json.dumps({"detail-type": "scheduling.booking_created", "detail": "x"}),
    "nested without end": "[" * 50_000,
}
WRONG_DETAILS: dict[str, dict[str, Any]] = {
    "an id that is none": {"id": "1"},
    "an organization that is none": {"organization_id": "acme"},
    "no moment": {"occurred_at": "yesterday"},
    "a payload of text": {"payload": "x"},
    "a booking that is no id": {"payload": {"booking_id": "'; DROP TABLE users; --"}},
    "a booking that is a list": {"payload": {"booking_id": ["x"]}},
}


@pytest.mark.parametrize("name", [*WRONG, *WRONG_DETAILS])
def test_a_message_that_can_not_be_read_fails_alone(shop: WebhookScenario, name: str) -> None:
    booked = shop.book()
    shop.subscribe(URL)
    whole = json.loads(created(shop, booked))
    wrong = WRONG[name] if name in WRONG else json.dumps(whole | {"detail": whole["detail"] | WRONG_DETAILS[name]})
    sound = [created(shop, booked), created(shop, booked)]
    assert failed(shop.world.invoke(ON_EVENT, sqs_event(sound[0], wrong, sound[1]))) == ["message-1"]
    assert [event for _, event in pairs(shop)] == ["booking.created"] * 2


@pytest.mark.parametrize("booking", [None, "", 0, False])
def test_an_event_without_what_it_tells_of_is_told_to_nobody(shop: WebhookScenario, booking: Any) -> None:
    shop.subscribe(URL, events=("*",))
    message = envelope(shop.member, "scheduling.booking_created", {"booking_id": booking})
    assert shop.world.invoke(ON_EVENT, sqs_event(message)) == DONE
    assert pairs(shop) == []


@pytest.mark.parametrize("moment", ["1970-01-01T00:00:00Z", "2199-12-31T23:59:59.999999+14:00", "0001-01-01T00:00:00Z"])
def test_an_event_of_another_age_is_told_as_it_is(shop: WebhookScenario, hook: Receiver, moment: str) -> None:
    booked = shop.book()
    shop.world.pump()
    shop.subscribe(hook.url)
    assert shop.world.invoke(ON_EVENT, sqs_event(created(shop, booked, occurred_at=moment))) == DONE
    shop.work()
    [arrival] = hook.arrived
    assert datetime.fromisoformat(json.loads(arrival.body)["timestamp"]) == datetime.fromisoformat(moment)


def test_an_event_of_an_organization_that_is_not_there_is_told_to_nobody(shop: WebhookScenario) -> None:
    shop.subscribe(URL, events=("*",))
    stray = created(shop, str(new_id()), organization_id=str(new_id()))
    assert shop.world.invoke(ON_EVENT, sqs_event(stray)) == DONE
    assert pairs(shop) == []


def test_a_booking_of_another_organization_is_not_shown(shop: WebhookScenario, world: World, hook: Receiver) -> None:
    """Two at once: a true organization, and a true booking that is not its."""
    other = WebhookScenario(world, world.organization("Globex"))
    booked = other.book()
    shop.subscribe(hook.url, events=("*",))
    assert world.invoke(ON_EVENT, sqs_event(created(shop, booked))) == DONE
    shop.work()
    assert pairs(shop) == [] and hook.arrived == []


def test_an_event_that_comes_while_the_database_is_away_comes_again(shop: WebhookScenario, hook: Receiver) -> None:
    booked = shop.book()
    shop.world.pump()
    shop.subscribe(hook.url)
    message = created(shop, booked, str(new_id()))
    with wired() as wire:
        wire.is_cut = True
        assert failed(shop.world.invoke(ON_EVENT, sqs_event(message))) == ["message-0"]
    assert pairs(shop) == []
    assert shop.world.invoke(ON_EVENT, sqs_event(message)) == DONE
    shop.work()
    assert len(hook.arrived) == 1


@pytest.mark.parametrize("passes", [0, 1])
def test_a_commit_whose_answer_is_lost_is_one_delivery(shop: WebhookScenario, hook: Receiver, passes: int) -> None:
    """Of what writes the rows, or of what leases them: the message comes again, and the endpoint hears it once."""
    booked = shop.book()
    shop.world.pump()
    shop.subscribe(hook.url)
    message = created(shop, booked, str(new_id()))
    with wired() as wire:
        wire.loses, wire.passes = [b"commit"], passes
        assert failed(shop.world.invoke(ON_EVENT, sqs_event(message))) == ["message-0"]
        assert wire.loses == []
    assert len(pairs(shop)) == 1
    assert shop.world.invoke(ON_EVENT, sqs_event(message)) == DONE
    shop.work()
    assert len(hook.arrived) == 1 - passes, "what was leased and not sent is sent when its lease is over"


def test_what_was_leased_and_never_sent_is_sent_when_its_lease_is_over(shop: WebhookScenario, hook: Receiver, moved: Clock) -> None:
    booked = shop.book()
    shop.world.pump()
    shop.subscribe(hook.url)
    with wired() as wire:
        wire.loses, wire.passes = [b"commit"], 1
        shop.world.invoke(ON_EVENT, sqs_event(created(shop, booked)))
    moved.move(timedelta(seconds=119))
    shop.work()
    assert hook.arrived == []
    moved.move(timedelta(seconds=2))
    shop.work()
    assert len(hook.arrived) == 1
    assert [(row["status"], row["attempt_count"]) for row in shop.log()] == [("SUCCESS", 1)]


def test_who_subscribes_after_an_event_does_not_hear_of_it_and_who_changes_hears_by_the_new_words(
    shop: WebhookScenario, hook: Receiver
) -> None:
    made = shop.subscribe(f"{hook.url}/old", events=("message.*",))
    shop.book()
    assert shop.member.patch(f"{SUBSCRIPTIONS}/{made['id']}", {"events": ["booking.*"]}).status == 200
    shop.work()
    shop.subscribe(f"{hook.url}/late", events=("*",))
    shop.work()
    assert [arrival.path for arrival in hook.arrived] == ["/hook/old"]


def test_one_endpoint_that_is_down_holds_up_no_other(shop: WebhookScenario, hook: Receiver) -> None:
    hook.answer = lambda arrival: Reply(500 if arrival.path.endswith("/down") else 200)
    down, well = shop.subscribe(f"{hook.url}/down"), shop.subscribe(f"{hook.url}/well")
    for _ in range(3):
        shop.book()
    shop.work()
    by_subscription = {made["id"]: [row["status"] for row in shop.log(subscription_id=made["id"])] for made in (down, well)}
    assert by_subscription[well["id"]] == ["SUCCESS"] * 3
    assert set(by_subscription[down["id"]]) <= {"RETRYING", "PENDING"}


@pytest.mark.parametrize("letter", ["x", '"', "\\", "ü", "🙂", "\u2028", "\u0001"])
def test_a_body_has_its_limit_in_bytes_whatever_it_is_written_in(letter: str) -> None:
    thing = {"id": str(new_id()), "content": ""}
    at = datetime(2026, 12, 1, tzinfo=UTC)
    room = LONGEST_BODY - len(body("message.received", at, thing).encode())
    cost = len(json.dumps(letter, ensure_ascii=False).encode()) - 2
    fits, over = (body("message.received", at, thing | {"content": letter * count}) for count in (room // cost, room // cost + 1))
    assert json.loads(fits)["data"]["content"] == letter * (room // cost) and len(fits.encode()) <= LONGEST_BODY
    assert json.loads(over)["data"] == {"id": thing["id"], "is_shortened": True}
    assert len(json.dumps(fits, ensure_ascii=False).encode()) < 250 * 1024, "escaped it fits into a message of a queue"


def test_every_event_of_the_catalogue_is_named_by_its_sources_and_by_nothing_else() -> None:
    for name, kind in catalogue().items():
        for source in kind.sources:
            payload = {kind.entity: str(UUID(int=1)), "status": "FAILED"}
            assert name in names_of(source, payload)
            assert names_of(source, payload | {kind.entity: None}) == []
            assert names_of(source.upper(), payload) == [] == names_of(f"{source} ", payload)
    assert names_of("inbox.message_status_changed", {"message_id": "1", "status": "READ"}) == []
    assert names_of("inbox.message_status_changed", {"message_id": "1"}) == []
