"""The sweep of each minute wakes for what can be sent then. What can't be sent waits without a time, and wakes nobody in vain."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest

from parley.kernel.persistence import transactions
from parley.kernel.values import clock
from parley.webhooks import queries
from parley.webhooks.queue_messages import turn_due
from tests.harness import World, sqs_event
from tests.kernel.http_receivers import Receiver, Reply
from tests.webhooks.conftest import Clock
from tests.webhooks.webhook_scenarios import DELIVERIES, SUBSCRIPTIONS, WebhookScenario


def wakes(subscription_id: str) -> bool:
    """Whether the sweep of this minute sends a message for the sake of this subscription."""
    with transactions.sweep() as session:
        due = queries.due_subscriptions(session, clock.now(), 10_000)
    return UUID(subscription_id) in {row.subscription_id for row in due}


def path_of(subscription: dict[str, str]) -> str:
    return f"{SUBSCRIPTIONS}/{subscription['id']}"


def unproven(shop: WebhookScenario, url: str) -> dict[str, str]:
    """A subscription whose address has been asked and has not agreed; its next challenge is seconds away."""
    answer = shop.member.post(SUBSCRIPTIONS, {"name": "New", "url": url, "events": ["*"]})
    assert answer.status == 201, answer.raw
    shop.work()
    return dict(answer.body)


def test_a_ping_sent_again_to_an_address_that_has_not_agreed_yet_waits_for_its_agreement(
    shop: WebhookScenario, hook: Receiver, moved: Clock
) -> None:
    made = shop.subscribe(hook.url)
    ping = shop.post(f"{path_of(made)}/ping").body["id"]
    shop.work()
    assert [json.loads(arrival.body)["type"] for arrival in hook.arrived] == ["ping"]
    hook.agrees = False
    assert shop.member.patch(path_of(made), {"url": f"{hook.url}/new"}).status == 200
    assert shop.post(f"{DELIVERIES}/{ping}/replay").status == 202
    for _ in range(4):
        shop.work()
        moved.move(timedelta(hours=1))
    assert (len(hook.challenges), len(hook.arrived)) == (3, 1)
    assert not wakes(made["id"]), "for thirty days, each minute"
    assert shop.look(ping)["next_retry_at"] is None
    hook.agrees = True
    assert shop.post(f"{path_of(made)}/ping").status == 202
    shop.work()
    assert [(arrival.path, json.loads(arrival.body)["type"]) for arrival in hook.arrived[1:]] == [("/hook/new", "ping")]


@pytest.mark.parametrize("act", ["is_active", "url and is_active"])
def test_the_challenge_of_a_subscription_that_was_disabled_is_held(shop: WebhookScenario, hook: Receiver, moved: Clock, act: str) -> None:
    hook.agrees = False
    made = unproven(shop, hook.url)
    change = {"is_active": False} | ({"url": f"{hook.url}/new"} if act != "is_active" else {})
    assert shop.member.patch(path_of(made), change).status == 200
    shop.work()
    moved.move(timedelta(hours=1))
    shop.work()
    assert len(hook.challenges) == 1
    assert not wakes(made["id"])
    hook.agrees = True
    enabled = shop.post(f"{path_of(made)}/enable")
    assert enabled.status == 200
    shop.work()
    assert len(hook.challenges) == 2 and shop.subscription(made["id"])["verified_at"] is not None
    assert sorted((row["status"], row["error"]) for row in shop.log() if row["status"] == "SUCCESS") == [("SUCCESS", None)]


def test_a_ping_of_a_disabled_address_that_has_not_agreed_is_held(shop: WebhookScenario, hook: Receiver, moved: Clock) -> None:
    hook.agrees = False
    made = unproven(shop, hook.url)
    assert shop.member.patch(path_of(made), {"is_active": False}).status == 200
    assert shop.post(f"{path_of(made)}/ping").body["event"] == "webhook.challenge"
    for _ in range(2):
        shop.work()
        moved.move(timedelta(minutes=10))
    assert len(hook.challenges) == 1 and not wakes(made["id"])


def test_the_challenge_of_somebody_who_may_not_have_webhooks_any_more_is_held(
    world: World, shop: WebhookScenario, hook: Receiver, moved: Clock
) -> None:
    hook.agrees = False
    admin = shop.member.as_role("ADMIN")
    made = admin.post(SUBSCRIPTIONS, {"name": "New", "url": hook.url, "events": ["*"]}).body
    shop.work()
    shop.book()
    with world.stack.postgres.superuser("parley") as superuser:
        superuser.run("UPDATE organization_members SET role = 'VIEWER' WHERE user_id = :id", id=admin.user_id)
    for _ in range(2):
        moved.move(timedelta(minutes=10))
        shop.work()
    row = shop.subscription(made["id"])
    assert (row["is_active"], row["disabled_reason"], len(hook.challenges)) == (False, "MAKER_LEFT", 1)
    assert not wakes(made["id"]) and hook.arrived == []


def test_a_ping_to_a_disabled_subscription_goes_out_though_everything_else_is_held(shop: WebhookScenario, hook: Receiver) -> None:
    made = shop.subscribe(hook.url)
    assert shop.member.patch(path_of(made), {"is_active": False}).status == 200
    shop.book()
    assert shop.post(f"{path_of(made)}/ping").status == 202
    shop.work()
    assert [json.loads(arrival.body)["type"] for arrival in hook.arrived] == ["ping"]
    assert not wakes(made["id"])


def test_what_was_given_up_or_came_through_wakes_nobody(shop: WebhookScenario, hook: Receiver, moved: Clock) -> None:
    made, other = shop.subscribe(hook.url), shop.subscribe(f"{hook.url}/down")
    hook.answer = lambda arrival: Reply(500 if arrival.path.endswith("down") else 200)
    shop.book()
    for _ in range(8):
        shop.work()
        moved.move(timedelta(hours=13))
    assert {(row["subscription_id"], row["status"]) for row in shop.log()} == {(made["id"], "SUCCESS"), (other["id"], "FAILED")}
    assert not wakes(made["id"]) and not wakes(other["id"])


def test_a_turn_of_nobody_and_of_nothing_is_no_failure(world: World, shop: WebhookScenario, hook: Receiver) -> None:
    """A message may be older than what it is about."""
    made, elsewhere = shop.subscribe(hook.url), world.organization("Elsewhere")
    deleted = shop.subscribe(hook.url)
    shop.member.delete(path_of(deleted))
    turns = [
        turn_due(shop.member.organization_id, UUID(made["id"])),
        turn_due(shop.member.organization_id, UUID(deleted["id"])),
        turn_due(elsewhere.organization_id, UUID(made["id"])),
        turn_due(UUID(int=0), UUID(made["id"])),
    ]
    shop.book()
    assert world.invoke("webhooks/on_event", sqs_event(*turns)) == {"batchItemFailures": []}
    assert hook.arrived == []
    shop.work()
    assert len(hook.arrived) == 1


def test_what_is_due_of_a_pause_is_over_with_it(shop: WebhookScenario, hook: Receiver, moved: Clock) -> None:
    """Two at once: it is under load, and then nobody answers for it any more."""
    made = shop.subscribe(hook.url)
    hook.answer = lambda _: Reply(429, b"", {"retry-after": "1800"})
    shop.book()
    shop.work()
    shop.book()
    assert shop.member.patch(path_of(made), {"is_active": False}).status == 200
    moved.move(timedelta(hours=1))
    shop.work()
    assert len(hook.arrived) == 1 and not wakes(made["id"])
    hook.answer = lambda _: Reply()
    assert shop.post(f"{path_of(made)}/enable").status == 200
    shop.work()
    assert len(hook.arrived) == 3 and {row["status"] for row in shop.log()} == {"SUCCESS"}
