"""Subscriptions by HTTP: what they take, what they never show, who may change them."""

from __future__ import annotations

import base64
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.persistence.idempotency import IdempotencyRecord
from parley.webhooks import subscriptions as module
from parley.webhooks.event_catalogue import catalogue, covers, patterns
from parley.webhooks.models import WebhookSubscription
from parley.webhooks.schemas import SubscriptionCreate
from tests.harness import Member
from tests.kernel.test_outgoing import REFUSED
from tests.webhooks.webhook_scenarios import SUBSCRIPTIONS, URL, WebhookScenario

WANTED: dict[str, Any] = {"name": "Warehouse", "url": URL, "events": ["booking.created"]}


def test_a_secret_is_shown_once_and_lies_sealed(acme: Member, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wanted = WANTED | {"headers": {"Authorization": "Bearer s3cr3t-of-theirs"}}
    made = acme.post(SUBSCRIPTIONS, wanted, {"idempotency-key": "k1"})
    assert made.status == 201
    secret = made.body["secret"]
    assert secret.startswith("whsec_") and len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    again = acme.post(SUBSCRIPTIONS, wanted, {"idempotency-key": "k1"})
    assert (again.status, again.body) == (201, made.body)

    path = f"{SUBSCRIPTIONS}/{made.body['id']}"
    seen = acme.get(path)
    assert seen.body == {name: value for name, value in made.body.items() if name != "secret"}
    assert seen.body["header_names"] == ["authorization"]
    with transactions.transaction(acme.caller) as session:
        stored = str(session.execute(text("SELECT s::text FROM webhooks_subscriptions s")).all())
    shown = [
        seen.raw.decode(),
        acme.get(SUBSCRIPTIONS).raw.decode(),
        stored,
        caplog.text,
        str(acme.rows(select(AuditLog.new_values))),
        str(acme.rows(select(IdempotencyRecord.body))),
        repr(acme.rows(select(WebhookSubscription.secret))),
    ]
    for canary in (secret, "s3cr3t-of-theirs"):
        assert all(canary not in content and canary.encode().hex() not in content for content in shown)


def test_what_is_changed_is_changed_and_the_rest_stays(acme: Member) -> None:
    made = acme.post(SUBSCRIPTIONS, WANTED | {"headers": {"x-one": "1"}}).body
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    changed = acme.patch(path, {"name": "Shop", "events": ["*", "*"], "headers": {"X-Two": "2"}, "max_per_minute": 10})
    assert changed.status == 200
    assert {k: v for k, v in changed.body.items() if made[k] != v and k != "updated_at"} == {
        "name": "Shop",
        "events": ["*"],
        "header_names": ["x-two"],
        "max_per_minute": 10,
    }
    assert acme.get(path).body == changed.body
    bodies: list[dict[str, Any]] = [{"name": None}, {"url": None}, {"is_active": None}, {"events": []}, {"x": 1}, {"max_per_minute": 601}]
    for bad in bodies:
        assert acme.patch(path, bad).status == 422, bad
    disabled = acme.patch(path, {"is_active": False}).body
    assert (disabled["is_active"], disabled["disabled_reason"]) == (False, "MANUAL")
    enabled = acme.post(f"{path}/enable").body
    assert (enabled["is_active"], enabled["disabled_reason"], enabled["disabled_at"]) == (True, None, None)
    assert acme.post(f"{path}/enable").body == enabled


def test_a_deleted_one_is_gone_with_its_secrets(acme: Member) -> None:
    made = acme.post(SUBSCRIPTIONS, WANTED | {"headers": {"x-one": "1"}}).body
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    assert acme.delete(path).status == 204
    for answer in (
        acme.get(path),
        acme.delete(path),
        acme.patch(path, {"name": "x"}),
        acme.post(f"{path}/ping"),
        acme.post(f"{path}/enable"),
    ):
        assert (answer.status, answer.body["code"]) == (404, "no_such_subscription")
    assert acme.get(SUBSCRIPTIONS).body["items"] == []
    [row] = acme.rows(select(WebhookSubscription))
    assert (row.secret, row.old_secret, row.header_values) == (None, None, None)


@pytest.mark.parametrize("host", REFUSED)
def test_an_address_inside_is_refused_at_save(acme: Member, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_ENVIRONMENT", "production")
    for port in ("", ":8443"):
        refused = acme.post(SUBSCRIPTIONS, WANTED | {"url": f"https://{host}{port}/hook"})
        assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json"), host


def test_a_change_of_address_is_looked_at_like_a_new_one(acme: Member) -> None:
    made = acme.post(SUBSCRIPTIONS, WANTED).body
    for url in ("https://169.254.169.254/", "http://hooks.example/", "https://user:pass@hooks.example/", "https://hooks.example:22/"):
        assert acme.patch(f"{SUBSCRIPTIONS}/{made['id']}", {"url": url}).status == 422
    assert acme.get(f"{SUBSCRIPTIONS}/{made['id']}").body["url"] == URL


def test_a_name_that_nobody_knows_yet_may_be_stored(acme: Member) -> None:
    assert acme.post(SUBSCRIPTIONS, WANTED | {"url": "https://hooks.acme.example/in?x=1"}).status == 201


@pytest.mark.parametrize(
    "name",
    [
        "host",
        "Content-Length",
        "content-type",
        "webhook-signature",
        "connection",
        "cookie",
        "x-forwarded-for",
        "X-Real-IP",
        "transfer-encoding",
        "x-aws-ec2-metadata-token",
        "x-amz-security-token",
        "x-google-metadata",
        "x-http-method-override",
        "proxy-authorization",
        "x-ä",
        "x-a:b",
        "x",
    ],
)
def test_a_header_of_another_form_is_refused(acme: Member, name: str) -> None:
    assert acme.post(SUBSCRIPTIONS, WANTED | {"headers": {name: "1"}}).status == 422


@pytest.mark.parametrize("value", ["", " ", "a\r\nb: c", "a\nb", "ü", "a\x00", "x" * 1001, None, 1, ["a"]])
def test_a_value_of_a_header_is_one_line(acme: Member, value: Any) -> None:
    refused = acme.post(SUBSCRIPTIONS, WANTED | {"headers": {"x-one": value}})
    assert refused.status == 422
    assert not isinstance(value, str) or len(value) < 5 or value not in refused.raw.decode()


UNKNOWN: list[Any] = [[], ["booking"], ["bookings.*"], ["ping"], ["scheduling.booking_created"], ["booking.created", 1], "booking.*", None]


@pytest.mark.parametrize("events", UNKNOWN)
def test_unknown_events_are_refused(acme: Member, events: Any) -> None:
    assert acme.post(SUBSCRIPTIONS, WANTED | {"events": events}).status == 422


def test_patterns_cover_what_they_say() -> None:
    assert {name for name in catalogue() if covers(["booking.*"], name)} == {
        "booking.created", "booking.updated", "booking.canceled", "booking.rescheduled",
    }  # fmt: skip
    assert {name for name in catalogue() if covers(["inbox.*"], name)} == {"message.received", "message.sent", "message.failed"}
    assert all(covers(["*"], name) and covers([name], name) for name in catalogue())
    assert not covers(["booking.created"], "booking.canceled")
    assert {"*", "scheduling.*", "recordings.*", "rooms.*", "storage.*", "recording.*"} < patterns()


def test_members_look_and_administrators_change(acme: Member) -> None:
    made = acme.post(SUBSCRIPTIONS, WANTED).body
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    member, admin = acme.as_role("MEMBER"), acme.as_role("ADMIN")
    assert member.get(path).status == 200
    refused = [
        member.post(SUBSCRIPTIONS, WANTED),
        member.patch(path, {"name": "x"}),
        member.delete(path),
        member.post(f"{path}/rotate-secret"),
        member.post(f"{path}/ping"),
        member.post(f"{path}/replay-failed", {"since": "2026-01-01T00:00:00Z"}),
    ]
    assert {(answer.status, answer.body.get("scope")) for answer in refused} == {(403, "webhooks:write")}
    assert admin.request("POST", f"{path}/rotate-secret").status == 201  # without a body


def test_an_organization_has_so_many_and_no_more_even_at_once(acme: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)

    def attempt(_: int) -> UUID | None:
        try:
            with transactions.transaction(acme.caller) as session:
                return module.subscribe(session, acme.caller, SubscriptionCreate.model_validate(WANTED)).id
        except module.TooManySubscriptions:
            return None

    with ThreadPoolExecutor(8) as pool:
        made = [identifier for identifier in pool.map(attempt, range(8)) if identifier is not None]
    assert len(made) == 3
    refused = acme.post(SUBSCRIPTIONS, WANTED)
    assert (refused.status, refused.body["code"]) == (409, "too_many_subscriptions")
    acme.delete(f"{SUBSCRIPTIONS}/{made[0]}")
    assert acme.post(SUBSCRIPTIONS, WANTED).status == 201


def test_every_change_is_in_the_trail(shop: WebhookScenario, acme: Member) -> None:
    made = shop.subscribe()
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    acme.patch(path, {"name": "Shop"})
    acme.patch(path, {"is_active": False})
    acme.post(f"{path}/enable")
    acme.post(f"{path}/rotate-secret")
    acme.post(f"{path}/ping")
    acme.delete(path)
    trail = acme.rows(select(AuditLog.action).where(AuditLog.action.like("webhook%")).order_by(AuditLog.created_at, AuditLog.id))
    assert trail == [
        f"webhook_subscription.{verb}"
        for verb in ("created", "updated", "updated", "disabled", "enabled", "secret_rotated", "pinged", "deleted")
    ]
