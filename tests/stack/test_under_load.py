"""Many at once, over HTTP, against real execution environments: the database picks one."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import uuid
from collections import Counter
from functools import partial
from typing import Any

from local import graph_api
from local.demo import wait_for
from tests.stack.conftest import ServedStack
from tests.stack.load_scenarios import at, at_once, booking, created, event_type, schedule

FIFTY = 50


def bookings_of(served: ServedStack, event_type_id: str) -> list[dict[str, Any]]:
    answer = served.owner.get(f"/v1/scheduling/bookings?event_type_id={event_type_id}&limit=100")
    assert answer.status == 200
    return list(answer.body["items"])


def test_fifty_at_once_for_one_slot(served: ServedStack) -> None:
    wanted = event_type(served.owner, schedule(served.owner))
    answers = at_once(
        [partial(served.stranger.post, "/v1/scheduling/bookings", booking(wanted, at("09:00", 2), f"V{n}")) for n in range(FIFTY)]
    )
    assert Counter(answer.status for answer in answers) == {201: 1, 409: 49}
    assert {answer.body["code"] for answer in answers if answer.status == 409} <= {"slot_taken", "slot_not_offered"}
    assert len(bookings_of(served, wanted)) == 1


def test_fifty_at_once_for_overlapping_starts_of_two_event_types_of_one_host(served: ServedStack) -> None:
    hours = schedule(served.owner)
    short = event_type(served.owner, hours, duration=30, slot_interval=5)
    long = event_type(served.owner, hours, duration=60, slot_interval=5, buffer_before=10)
    starts = [f"10:{minute:02}" for minute in range(0, 30, 5)]
    wanted = itertools.islice(itertools.cycle(itertools.product((short, long), starts)), FIFTY)
    answers = at_once([partial(served.stranger.post, "/v1/scheduling/bookings", booking(kind, at(start, 3))) for kind, start in wanted])
    assert Counter(answer.status for answer in answers) == {201: 1, 409: 49}
    assert len(bookings_of(served, short)) + len(bookings_of(served, long)) == 1


def test_fifty_at_once_with_one_idempotency_key(served: ServedStack) -> None:
    wanted = event_type(served.owner, schedule(served.owner))
    headers = {"idempotency-key": str(uuid.uuid4())}
    once = partial(served.stranger.post, "/v1/scheduling/bookings", booking(wanted, at("11:00", 4)), headers)
    answers = at_once([once] * FIFTY)
    assert Counter(answer.status for answer in answers) == {201: 50}
    assert len({answer.raw for answer in answers}) == 1
    assert len(bookings_of(served, wanted)) == 1


def test_a_limit_of_three_a_day_holds_for_twenty_free_slots(served: ServedStack) -> None:
    wanted = event_type(served.owner, schedule(served.owner), max_bookings_per_day=3)
    starts = [f"{hour:02}:{minute}" for hour in range(8, 18) for minute in ("00", "30")]
    fifty = itertools.islice(itertools.cycle(starts), FIFTY)
    answers = at_once([partial(served.stranger.post, "/v1/scheduling/bookings", booking(wanted, at(start, 5))) for start in fifty])
    assert Counter(answer.status for answer in answers) == {201: 3, 409: 47}
    assert len(bookings_of(served, wanted)) == 3


def test_a_cancellation_wanted_by_many_happens_once(served: ServedStack) -> None:
    wanted = event_type(served.owner, schedule(served.owner))
    made = created(served.stranger.post("/v1/scheduling/bookings", booking(wanted, at("12:00", 6))))
    cancel = partial(served.owner.post, f"/v1/scheduling/bookings/{made['id']}/cancel", {"reason": "No more"})
    assert Counter(answer.status for answer in at_once([cancel] * 20)) == {200: 1, 409: 19}


def delivery(number: str, sender: str, messages: list[dict[str, Any]], statuses: list[dict[str, Any]]) -> bytes:
    value: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550001111", "phone_number_id": number},
    }
    if messages:
        value |= {"contacts": [{"profile": {"name": "Kerry"}, "wa_id": sender}], "messages": messages}
    if statuses:
        value |= {"statuses": statuses}
    body = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}
    return json.dumps(body).encode()


def deliver(served: ServedStack, body: bytes) -> int:
    secret = served.stack.environment["WHATSAPP_APP_SECRET"].encode()
    signature = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    return served.stranger.request(
        "POST", "/v1/webhooks/whatsapp", body, {"content-type": "application/json", "x-hub-signature-256": signature}
    ).status


def connected(served: ServedStack) -> str:
    number = str(uuid.uuid4().int)[:15]
    wanted = {"platform": "WHATSAPP", "phone_number_id": number, "display_name": "Support", "access_token": graph_api.token(number)}
    created(served.owner.post("/v1/inbox/connections", wanted))
    return number


def conversations_with(served: ServedStack, sender: str) -> list[dict[str, Any]]:
    items = served.owner.get("/v1/inbox/conversations?limit=100").body["items"]
    return [item for item in items if sender in json.dumps(item)]


def messages_of(served: ServedStack, conversation: dict[str, Any]) -> list[dict[str, Any]]:
    return list(served.owner.get(f"/v1/inbox/conversations/{conversation['id']}/messages").body["items"])


def test_one_body_delivered_twenty_times_in_parallel_is_one_message(served: ServedStack) -> None:
    number, sender = connected(served), f"49{uuid.uuid4().int % 10**10:010}"
    message = {"from": sender, "id": f"wamid.{uuid.uuid4().hex}", "timestamp": "1790000000", "type": "text", "text": {"body": "Hello"}}
    body = delivery(number, sender, [message], [])
    assert at_once([partial(deliver, served, body)] * 20) == [200] * 20
    (conversation,) = wait_for("the conversation", lambda: conversations_with(served, sender))
    wait_for("an empty queue", lambda: is_idle(served))
    (conversation,) = conversations_with(served, sender)
    assert conversation["unread_count"] == 1
    assert [stored["content"] for stored in messages_of(served, conversation)] == ["Hello"]


def is_idle(served: ServedStack) -> bool:
    """Whether nothing waits and nothing is under way in the webhook queue."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = served.stack.environment["INBOX_WEBHOOKS_QUEUE_URL"]
    attributes = served.stack.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return all(int(attributes[name]) == 0 for name in names)
