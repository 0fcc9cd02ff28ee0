"""The log: looking, sending again, holding, forgetting; and what may come twice."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook, WebhookVerificationError

from parley.kernel.access.callers import system
from parley.kernel.persistence import column_encryption, transactions
from parley.kernel.values import clock
from parley.kernel.values.ids import new_id
from parley.webhooks import attempts, deliveries, queries
from parley.webhooks.models import WebhookDelivery
from parley.webhooks.queue_messages import AttemptOutcome, turn_due
from tests.harness import Member, World, sqs_event
from tests.kernel.http_receivers import Receiver, Reply
from tests.webhooks.conftest import Clock
from tests.webhooks.webhook_scenarios import DELIVERIES, SUBSCRIPTIONS, WebhookScenario, envelope


def test_both_secrets_sign_for_a_day_and_then_the_new_one_alone(shop: WebhookScenario, endpoint: Receiver, moved: Clock) -> None:
    made = shop.subscribe(endpoint.url)
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    rotated = shop.post(f"{path}/rotate-secret", {}, **{"idempotency-key": "r1"})
    assert rotated.status == 201 and rotated.body["secret"] != made["secret"] and rotated.body["old_secret_expires_at"]
    assert shop.post(f"{path}/rotate-secret", {}, **{"idempotency-key": "r1"}).body == rotated.body
    shop.book()
    shop.work()
    [arrived] = endpoint.arrived
    assert len(arrived.headers["webhook-signature"].split()) == 2
    for secret in (made["secret"], rotated.body["secret"]):
        assert Webhook(secret).verify(arrived.body, arrived.headers)["type"] == "booking.created"

    moved.move(timedelta(hours=24, minutes=1))
    shop.post(f"{path}/ping")
    shop.work()
    assert len(endpoint.arrived[1].headers["webhook-signature"].split()) == 1

    moved.move(-moved.ahead)
    at_once = shop.post(f"{path}/rotate-secret", {"overlap_hours": 0})
    assert at_once.body["old_secret_expires_at"] is None
    shop.post(f"{path}/ping")
    shop.work()
    last = endpoint.arrived[2]
    Webhook(at_once.body["secret"]).verify(last.body, last.headers)
    for secret in (made["secret"], rotated.body["secret"]):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(last.body, last.headers)
    for hours in (-1, 169, "1", None, 1.5):
        assert shop.post(f"{path}/rotate-secret", {"overlap_hours": hours}).status == 422


def test_a_test_event_is_sent_once_even_to_a_disabled_one(shop: WebhookScenario, endpoint: Receiver) -> None:
    made = shop.subscribe(endpoint.url, events=("message.*",))
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    shop.member.patch(path, {"is_active": False})
    endpoint.answer = lambda _: Reply(500, b"no")
    pinged = shop.post(f"{path}/ping", None, **{"idempotency-key": "p1"})
    assert (pinged.status, pinged.body["event"], pinged.body["status"]) == (202, "ping", "PENDING")
    assert shop.post(f"{path}/ping", None, **{"idempotency-key": "p1"}).body == pinged.body
    shop.work()
    [arrived] = endpoint.arrived
    assert Webhook(made["secret"]).verify(arrived.body, arrived.headers)["data"]["subscription_id"] == made["id"]
    seen = shop.look(pinged.body["id"])
    assert (seen["status"], seen["status_code"], seen["next_retry_at"]) == ("FAILED", 500, None)
    assert shop.subscription(made["id"])["failing_since"] is None, "a test is not held against the endpoint"


def test_what_happens_while_disabled_is_held_and_sent_after(shop: WebhookScenario, endpoint: Receiver) -> None:
    made = shop.subscribe(endpoint.url)
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    shop.member.patch(path, {"is_active": False})
    booked = [shop.book() for _ in range(3)]
    shop.work()
    assert endpoint.arrived == []
    assert [(delivery["status"], delivery["next_retry_at"]) for delivery in shop.log()] == [("PENDING", None)] * 3
    assert shop.member.post(f"{path}/enable").body["is_active"]
    shop.work()
    assert {json.loads(arrival.body)["data"]["id"] for arrival in endpoint.arrived} == set(booked)
    assert len(endpoint.arrived) == 3


def test_a_deleted_organization_sends_nothing_until_it_is_restored(shop: WebhookScenario, endpoint: Receiver, moved: Clock) -> None:
    shop.subscribe(endpoint.url)
    endpoint.answer = lambda _: Reply(500)
    shop.book()
    shop.work()
    shop.book()
    assert shop.member.delete("/v1/identity/organization").status == 204
    endpoint.answer = lambda _: Reply()
    for _ in range(2):
        moved.move(timedelta(minutes=1))
        shop.work()
    assert len(endpoint.arrived) == 1
    assert shop.post(f"/v1/identity/organizations/{shop.member.organization_id}/restore").status == 200
    shop.work()
    assert len(endpoint.arrived) == 3
    assert {status.value for status in shop.member.rows(select(WebhookDelivery.status))} == {"SUCCESS"}


def test_of_more_than_a_sweep_takes_each_has_its_chance(shop: WebhookScenario, endpoint: Receiver, moved: Clock) -> None:
    endpoint.answer = lambda _: Reply(429, b"", {"retry-after": "1800"})
    subscription_ids = {shop.subscribe(endpoint.url)["id"] for _ in range(3)}
    for _ in range(2):
        shop.book()
        shop.work()
    seen: set[str] = set()
    for _ in range(2000):
        with transactions.sweep() as session:
            seen |= {str(subscription.subscription_id) for subscription in queries.due_subscriptions(session, clock.now(), 1)}
        if subscription_ids <= seen:
            break
    assert subscription_ids <= seen


def test_the_log_is_filtered_and_paged(shop: WebhookScenario, endpoint: Receiver) -> None:
    subscription, other = shop.subscribe(endpoint.url), shop.subscribe(endpoint.url, events=("scheduling.*",))
    for _ in range(3):
        shop.book()
    endpoint.answer = lambda arrived: Reply(200 if b"invitee.created" in arrived.body else 404, b"")
    shop.work()
    assert len(shop.log()) == 9
    assert {row["event"] for row in shop.log(subscription_id=subscription["id"])} == {"booking.created"}
    assert len(shop.log(subscription_id=other["id"])) == 6
    assert len(shop.log(status="RETRYING")) == 6
    assert len(shop.log(event="invitee.created", status="SUCCESS")) == 3
    assert shop.log(event="booking.canceled") == []
    assert shop.log(subscription_id=str(new_id())) == []
    assert shop.member.get(DELIVERIES, status="LOST").status == 422
    seen, cursor = [], None
    while True:
        page = shop.member.get(DELIVERIES, limit=4, cursor=cursor).body
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == sorted(seen, reverse=True) and len(set(seen)) == 9


def test_answers_are_kept_to_four_kilobytes_and_shown_to_who_may_write(shop: WebhookScenario, endpoint: Receiver) -> None:
    shop.subscribe(endpoint.url)
    endpoint.answer = lambda _: Reply(200, b"\x00\xff" + b"x" * 100_000)
    shop.book()
    shop.work()
    [logged] = shop.log()
    whole = shop.look(logged["id"])
    assert 4000 < len(whole["response_body"].encode()) <= 4100 and "\x00" not in whole["response_body"]
    assert whole["attempts"][0]["duration_ms"] >= 0
    viewer = shop.member.as_role("VIEWER")
    seen = viewer.get(f"{DELIVERIES}/{logged['id']}")
    assert (seen.status, seen.body["response_body"], seen.body["status_code"]) == (200, None, 200)


def test_a_replay_is_the_same_message_again(shop: WebhookScenario, endpoint: Receiver) -> None:
    shop.subscribe(endpoint.url)
    shop.book()
    shop.work()
    [logged] = shop.log()
    again = shop.post(f"{DELIVERIES}/{logged['id']}/replay", None, **{"idempotency-key": "a"})
    assert (again.status, again.body["status"], again.body["attempt_count"]) == (202, "RETRYING", 1)
    assert shop.post(f"{DELIVERIES}/{logged['id']}/replay", None, **{"idempotency-key": "a"}).body == again.body
    shop.work()
    first, second = endpoint.arrived
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert shop.look(logged["id"])["attempt_count"] == 2


def test_what_was_given_up_can_be_sent_again_since_a_moment(shop: WebhookScenario, endpoint: Receiver, moved: Clock) -> None:
    made = shop.subscribe(endpoint.url)
    endpoint.answer = lambda _: Reply(500, b"")
    shop.book()
    for _ in range(40):
        shop.work()
        moved.move(timedelta(hours=1))
    since = shop.log()[0]["created_at"]
    path = f"{SUBSCRIPTIONS}/{made['id']}/replay-failed"
    assert shop.post(path, {"since": "2100-01-01T00:00:00Z"}).body == {"replayed": 0}
    endpoint.answer = lambda _: Reply()
    endpoint.arrived.clear()
    assert shop.post(path, {"since": since}).body == {"replayed": 1}
    shop.work()
    [logged] = shop.log()
    assert (logged["status"], logged["attempt_count"], len(endpoint.arrived)) == ("SUCCESS", 9, 1)
    shop.member.patch(f"{SUBSCRIPTIONS}/{made['id']}", {"is_active": False})
    for answer in (shop.post(path, {"since": since}), shop.post(f"{DELIVERIES}/{logged['id']}/replay")):
        assert (answer.status, answer.body["code"]) == (409, "subscription_disabled")


def test_an_event_that_comes_twice_is_told_once(world: World, shop: WebhookScenario, endpoint: Receiver) -> None:
    shop.subscribe(endpoint.url)
    booked = shop.book()
    message = envelope(shop.member, "scheduling.booking_canceled", {"booking_id": booked}, str(new_id()))
    for _ in range(3):
        assert world.invoke("webhooks/on_event", sqs_event(message, message)) == {"batchItemFailures": []}
    shop.work()
    assert sorted(delivery["event"] for delivery in shop.log()) == ["booking.canceled", "booking.created"]
    assert len(endpoint.arrived) == 2


def test_what_is_not_in_the_catalogue_is_nobodys_business(world: World, shop: WebhookScenario, endpoint: Receiver) -> None:
    shop.subscribe(endpoint.url, events=("*",))
    for name in ("scheduling.slot_held", "identity.user_created", "inbox.conversation_read", "inbox.message_status_changed"):
        payload = {"booking_id": str(new_id()), "message_id": str(new_id()), "status": "READ"}
        assert world.invoke("webhooks/on_event", sqs_event(envelope(shop.member, name, payload))) == {"batchItemFailures": []}
    message = envelope(shop.member, "scheduling.booking_created", {"booking_id": str(new_id())})
    assert world.invoke("webhooks/on_event", sqs_event(message)) == {"batchItemFailures": []}
    assert shop.log() == [] and endpoint.arrived == []


def test_another_tenants_event_is_not_ours(shop: WebhookScenario, globex: Member, world: World, endpoint: Receiver) -> None:
    globex.post(SUBSCRIPTIONS, {"name": "Spy", "url": endpoint.url, "events": ["*"]})
    shop.book()
    shop.work()
    assert endpoint.arrived == []
    assert {item["event"] for item in globex.get(DELIVERIES).body["items"]} == {"webhook.challenge"}


def test_an_outcome_that_comes_twice_or_too_late_changes_nothing(
    world: World, shop: WebhookScenario, endpoint: Receiver, moved: Clock
) -> None:
    shop.subscribe(endpoint.url)
    shop.book()
    caller = system(shop.member.organization_id)
    world.invoke("platform/relay_outbox", {"Records": []})
    world.sources["WebhooksOnEvent"].once()
    [waiting] = [json.loads(body) for body in world.queued("WebhookRequests") if json.loads(body)["url"] == endpoint.url]
    outcome = AttemptOutcome.model_validate(
        {**{name: waiting[name] for name in ("subscription_id", "delivery_id", "attempt_id")},
         "started_at": "2026-11-21T04:00:00Z", "duration_ms": 3, "status_code": 500}
    )  # fmt: skip
    for _ in range(2):
        with transactions.transaction(caller) as session:
            assert attempts.record_outcome(session, caller, outcome).requests == []
    assert [delivery["attempt_count"] for delivery in shop.log()] == [1]
    shop.work()
    assert len(endpoint.arrived) == 1, "its request was on its way already; the answer comes too late"
    assert [(delivery["attempt_count"], delivery["status"]) for delivery in shop.log()] == [(1, "RETRYING")]


def test_an_attempt_that_is_lost_is_made_again_and_a_stale_one_is_not_sent(
    world: World, shop: WebhookScenario, endpoint: Receiver, moved: Clock
) -> None:
    made = shop.subscribe(endpoint.url)
    shop.book()
    world.invoke("platform/relay_outbox", {"Records": []})
    world.sources["WebhooksOnEvent"].once()
    moved.move(timedelta(seconds=70))
    world.sources["WebhooksSendRequest"].once()
    assert endpoint.arrived == [], "its time was over"
    moved.move(timedelta(seconds=60))
    shop.work()
    assert [(delivery["status"], delivery["attempt_count"]) for delivery in shop.log()] == [("SUCCESS", 1)]
    assert len(endpoint.arrived) == 1
    assert shop.subscription(made["id"])["failing_since"] is None


def test_an_endpoint_gets_no_more_in_a_minute_than_it_wants(shop: WebhookScenario, endpoint: Receiver, moved: Clock) -> None:
    shop.subscribe(endpoint.url, max_per_minute=2)
    for _ in range(5):
        shop.book()
    counts = []
    for _ in range(4):
        shop.work()
        counts.append(len(endpoint.arrived))
        moved.move(timedelta(seconds=61))
    assert counts == [2, 4, 5, 5]


def test_a_deleted_subscription_gets_nothing_more(shop: WebhookScenario, endpoint: Receiver) -> None:
    made = shop.subscribe(endpoint.url)
    shop.book()
    shop.member.delete(f"{SUBSCRIPTIONS}/{made['id']}")
    shop.work()
    assert endpoint.arrived == [] and shop.log() == []
    other = shop.subscribe(endpoint.url)
    shop.member.patch(f"{SUBSCRIPTIONS}/{other['id']}", {"is_active": False})
    shop.book()
    shop.work()
    shop.member.delete(f"{SUBSCRIPTIONS}/{other['id']}")
    [logged] = shop.log()
    assert (logged["status"], logged["error"]) == ("FAILED", "subscription_deleted")
    assert shop.post(f"{DELIVERIES}/{logged['id']}/replay").status == 409


def test_what_tells_of_a_thing_is_emptied(shop: WebhookScenario, endpoint: Receiver) -> None:
    shop.subscribe(endpoint.url)
    endpoint.answer = lambda _: Reply(500, b"Grace is unknown here")
    erased, kept = shop.book(), shop.book()
    shop.work()
    with transactions.transaction(shop.member.caller) as session:
        deliveries.forget(session, [UUID(erased)])
    rows = {str(row.entity_id): row for row in shop.member.rows(select(WebhookDelivery))}
    emptied = rows[erased]
    assert (emptied.payload, emptied.response_body, emptied.request_headers, emptied.next_retry_at) == (None, None, None, None)
    assert rows[kept].payload
    seen = shop.look(str(emptied.id))
    assert (seen["status"], seen["error"], seen["payload"]) == ("FAILED", "erased", None)
    refused = shop.post(f"{DELIVERIES}/{emptied.id}/replay")
    assert (refused.status, refused.body["code"]) == (409, "nothing_to_replay")


def test_after_thirty_days_it_is_forgotten_held_or_not(shop: WebhookScenario, endpoint: Receiver, moved: Clock) -> None:
    made = shop.subscribe(endpoint.url)
    shop.book()
    shop.work()
    shop.member.patch(f"{SUBSCRIPTIONS}/{made['id']}", {"is_active": False})
    shop.book()
    shop.work()
    moved.move(timedelta(days=29))
    shop.work()
    assert len(shop.log()) == 2
    moved.move(timedelta(days=1, minutes=5))
    shop.work()
    assert shop.log() == []


def test_an_address_that_turned_inside_is_not_asked(shop: WebhookScenario, endpoint: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.subscribe(endpoint.url)
    shop.book()
    monkeypatch.setenv("PARLEY_ENVIRONMENT", "production")  # loopback is an address inside, as a rebound name would be
    shop.work()
    [logged] = shop.log()
    assert (logged["status"], logged["error"], endpoint.arrived) == ("RETRYING", "address_refused", [])


def test_one_whose_secret_does_not_open_does_not_hold_up_the_others(shop: WebhookScenario, endpoint: Receiver) -> None:
    broken, sound = shop.subscribe(endpoint.url), shop.subscribe(endpoint.url)
    with transactions.transaction(shop.member.caller) as session:
        from sqlalchemy import update

        from parley.kernel.persistence.column_encryption import Sealed
        from parley.webhooks.models import WebhookSubscription

        rows = update(WebhookSubscription).where(WebhookSubscription.id == broken["id"])
        session.execute(rows.values(secret=Sealed(b"\x01" + bytes(60))), execution_options={"synchronize_session": False})
    shop.book()
    shop.work()
    assert [delivery["subscription_id"] for delivery in shop.log(status="SUCCESS")] == [sound["id"]]
    assert len(endpoint.arrived) == 1
    [waiting] = shop.log(subscription_id=broken["id"])
    assert (waiting["status"], waiting["error"], waiting["attempt_count"]) == ("RETRYING", "secret_does_not_open", 1)
    assert waiting["next_retry_at"] is not None


def test_a_secret_that_does_not_open_wakes_nobody_in_vain_and_has_an_end(
    world: World, shop: WebhookScenario, endpoint: Receiver, moved: Clock
) -> None:
    broken = shop.subscribe(endpoint.url)
    with world.stack.postgres.superuser("parley") as superuser:
        superuser.run("UPDATE webhooks_subscriptions SET secret = :token WHERE id = :id", token=b"\x01" + bytes(60), id=broken["id"])
    shop.book()
    for _ in range(12):  # minutes: each woke it, and each message failed ten times, for ever
        shop.work()
        moved.move(timedelta(minutes=1))
    assert 1 < shop.log()[0]["attempt_count"] <= 4
    for _ in range(12):
        moved.move(timedelta(hours=11))
        shop.work()
    [ended] = shop.log()
    assert (ended["status"], ended["error"], ended["attempt_count"]) == ("FAILED", "secret_does_not_open", 8)
    assert endpoint.arrived == [] and shop.subscription(broken["id"])["is_active"]


def test_while_the_key_service_is_away_attempts_wait_and_then_go_out(
    world: World, shop: WebhookScenario, endpoint: Receiver, moved: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = shop.subscribe(endpoint.url)
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    assert shop.member.patch(path, {"is_active": False}).status == 200
    shop.book()
    shop.work()
    assert shop.post(f"{path}/enable").status == 200
    column_encryption._opened.clear()
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        due = turn_due(shop.member.organization_id, UUID(made["id"]))
        assert world.invoke("webhooks/on_event", sqs_event(due)) == {"batchItemFailures": []}
    [logged] = shop.log()
    assert (logged["status"], logged["error"]) == ("RETRYING", "secret_away")
    moved.move(timedelta(seconds=10))
    shop.work()
    assert (shop.log()[0]["status"], len(endpoint.arrived)) == ("SUCCESS", 1)


def test_a_body_that_is_too_long_tells_the_id() -> None:
    from datetime import UTC, datetime

    from parley.webhooks.fan_out import LONGEST_BODY, body

    message = json.loads(body("message.received", datetime.now(UTC), {"id": "1", "content": '"' * LONGEST_BODY}))
    assert message["data"] == {"id": "1", "is_shortened": True}
