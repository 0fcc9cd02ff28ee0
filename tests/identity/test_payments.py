"""A payment provider's events by the front door: signed as the provider signs them, repeated, late, and about nobody of ours."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from parley.identity.billing.models import PaymentEvent
from parley.kernel.access.plans import PlanType
from parley.kernel.audit.audit import AuditLog
from parley.kernel.values.ids import new_id
from tests.harness import Answer, Client, Member, World

PATH = "/v1/webhooks/payments"
SECRET = secrets.token_urlsafe(32)
NOW = int(time.time())


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYMENT_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("PAYMENT_PRICES", '{"price_pro": "PRO", "price_business": "BUSINESS"}')


@pytest.fixture
def owner(world: World) -> Member:
    return world.organization("Payer", PlanType.FREE)


def event(organization_id: UUID, kind: str = "updated", price: str = "price_pro", created: int = NOW, **other: Any) -> dict[str, Any]:
    about = {"id": f"sub_of_{organization_id}", "status": "active", "metadata": {"organization_id": str(organization_id)}}
    about |= {"items": {"data": [{"price": {"id": price}}]}} | other
    return {"id": f"evt_{new_id()}", "type": f"customer.subscription.{kind}", "created": created, "data": {"object": about}}


def signature(body: bytes, at: int, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def deliver(world: World, payload: Any, header: str | None = None) -> Answer:
    body, at = json.dumps(payload).encode(), int(time.time())
    signed = {"stripe-signature": header or f"t={at},v1={'0' * 64},v1={signature(body, at)},v0=x"}
    return Client(world).request("POST", PATH, body, signed)


def plan(owner: Member) -> str:
    return str(owner.get("/v1/identity/organization/limits").body["plan"])


def trail(owner: Member) -> list[tuple[str, str, str]]:
    rows = owner.rows(select(AuditLog).where(AuditLog.action == "organization.plan_changed").order_by(AuditLog.id))
    return [(row.actor_type.value, row.new_values["plan"], row.new_values["reason"]) for row in rows]


def test_a_subscription_makes_the_plan_and_its_end_takes_it(world: World, owner: Member) -> None:
    for payload, becomes in (
        (event(owner.organization_id, "created"), "PRO"),
        (event(owner.organization_id, "updated", "price_business", NOW + 1), "BUSINESS"),
        (event(owner.organization_id, "updated", "price_business", NOW + 2, status="unpaid"), "FREE"),
        (event(owner.organization_id, "updated", "price_pro", NOW + 3), "PRO"),
        (event(owner.organization_id, "deleted", "price_pro", NOW + 4, status="canceled"), "FREE"),
    ):
        assert (deliver(world, payload).status, plan(owner)) == (200, becomes)
    assert trail(owner) == [("SYSTEM", becomes, "payment") for becomes in ("PRO", "BUSINESS", "FREE", "PRO", "FREE")]


def test_a_checkout_makes_the_plan(world: World, owner: Member) -> None:
    payload = event(owner.organization_id, id="cs_1", subscription=f"sub_of_{owner.organization_id}", payment_status="paid")
    payload["type"] = "checkout.session.completed"
    payload["data"]["object"]["metadata"]["price_id"] = "price_business"
    assert (deliver(world, payload).status, plan(owner)) == (200, "BUSINESS")


def test_a_second_delivery_and_an_older_event_change_nothing(world: World, owner: Member) -> None:
    newest, older = event(owner.organization_id, created=NOW + 5), event(owner.organization_id, "created", "price_business", NOW)
    assert [deliver(world, payload).raw for payload in (newest, newest, older)] == [b"taken", b"repeated", b"older"]
    ended = event(owner.organization_id, "deleted", created=NOW + 6)
    late = event(owner.organization_id, "updated", "price_business", NOW + 6)
    assert [deliver(world, payload).raw for payload in (ended, late)] == [b"taken", b"older"]
    assert [row[1] for row in trail(owner)] == ["PRO", "FREE"]


def test_two_at_once_count_once(world: World, owner: Member) -> None:
    payload = event(owner.organization_id)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: deliver(world, payload), range(2)))
    assert sorted((answer.status, answer.raw) for answer in answers) == [(200, b"repeated"), (200, b"taken")]
    assert len(trail(owner)) == 1


def test_what_is_not_signed_now_by_the_provider_is_refused(world: World, owner: Member) -> None:
    payload = event(owner.organization_id)
    body, at = json.dumps(payload).encode(), int(time.time())
    right, late, early = signature(body, at), at - 301, at + 400
    for header in (
        "",
        "t=,v1=",
        f"t={at}",
        f"v1={right}",
        f"t={at},v1={signature(body, at, 'another')}",
        f"t={at},v0={right}",
        f"t={at},v1={signature(body + b' ', at)}",
        f"t={late},v1={signature(body, late)}",
        f"t={early},v1={signature(body, early)}",
        f"t={late},t={at},v1={right}",
        f"t={at}9,v1={right}",
    ):
        answer = deliver(world, payload, header or "nothing")
        assert (answer.status, answer.body["code"]) == (401, "bad_payment_signature"), header
    assert plan(owner) == "FREE"


def test_what_is_nothing_of_ours_is_heard_and_ignored(world: World, owner: Member) -> None:
    unknown = event(new_id())
    invoice = event(owner.organization_id) | {"type": "invoice.paid"}
    strange: list[Any] = [event(owner.organization_id) | {"created": 10**30}, [], {"type": 1}]
    unpriced = event(owner.organization_id, price="?")
    for payload, heard in (
        (unknown, b"unknown_organization"),
        (unpriced, b"unknown_price"),
        *((other_payload, b"ignored") for other_payload in (invoice, *strange)),
    ):
        answer = deliver(world, payload)
        assert (answer.status, answer.raw) == (200, heard)
    assert (plan(owner), trail(owner)) == ("FREE", [])


def test_without_the_setting_there_is_nothing(world: World, owner: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAYMENT_WEBHOOK_SECRET")
    assert deliver(world, event(owner.organization_id)).status == 404


def test_a_plan_that_ends_puts_nobody_out(world: World, owner: Member) -> None:
    assert deliver(world, event(owner.organization_id)).status == 200
    colleague = owner.as_role("MEMBER")
    assert deliver(world, event(owner.organization_id, "deleted", created=NOW + 1)).status == 200
    assert colleague.get("/v1/identity/me").status == 200
    assert owner.post("/v1/identity/invitations", {"email": "more@payer.example"}).status == 402


def test_events_are_forgotten_after_a_year_and_come_back_as_nothing(world: World, owner: Member) -> None:
    old, new = event(owner.organization_id), event(owner.organization_id, "updated", "price_business", NOW + 1)
    for payload in (old, new):
        assert deliver(world, payload).status == 200
    with world.stack.postgres.superuser("parley") as superuser:
        longer_ago = "UPDATE payment_events SET taken_at = now() - interval '401 days' WHERE event = :event"
        superuser.run(longer_ago, event=old["id"])
    world.invoke("platform/make_partitions", {})
    assert owner.rows(select(PaymentEvent.event)) == [new["id"]]
    assert (deliver(world, old).status, deliver(world, new).status, plan(owner)) == (200, 200, "BUSINESS")
    assert len(trail(owner)) == 2


def test_what_ends_while_the_organization_is_deleted_is_over_when_it_comes_back(world: World, owner: Member) -> None:
    assert (deliver(world, event(owner.organization_id, "created")).status, plan(owner)) == (200, "PRO")
    assert owner.delete("/v1/identity/organization").status == 204
    ended = deliver(world, event(owner.organization_id, "deleted", created=NOW + 1, status="canceled"))
    assert (ended.status, ended.raw) == (200, b"taken")
    assert owner.post(f"/v1/identity/organizations/{owner.organization_id}/restore", {}).status == 200
    assert plan(owner) == "FREE"


def test_of_one_second_what_made_a_subscription_is_older_than_what_changed_it(world: World, owner: Member) -> None:
    active, begun = event(owner.organization_id), event(owner.organization_id, "created", status="incomplete")
    assert [deliver(world, payload).raw for payload in (active, begun)] == [b"taken", b"older"]
    assert plan(owner) == "PRO"


def test_one_subscription_pays_for_one_organization(world: World, owner: Member) -> None:
    other = world.organization("Other", PlanType.FREE)
    assert deliver(world, event(owner.organization_id, "created")).raw == b"taken"
    same = f"sub_of_{owner.organization_id}"
    assert deliver(world, event(other.organization_id, "updated", "price_business", NOW + 1, id=same)).raw == b"taken"
    assert (plan(owner), plan(other)) == ("BUSINESS", "FREE")
    assert deliver(world, event(other.organization_id, "deleted", created=NOW + 2, id=same)).raw == b"taken"
    assert (plan(owner), plan(other)) == ("FREE", "FREE")


def test_the_end_of_a_known_subscription_needs_no_metadata_and_no_price(world: World, owner: Member) -> None:
    checkout = event(owner.organization_id, id="cs_1", subscription=f"sub_of_{owner.organization_id}", payment_status="paid")
    checkout["type"], checkout["data"]["object"]["metadata"]["price_id"] = "checkout.session.completed", "price_pro"
    assert (deliver(world, checkout).raw, plan(owner)) == (b"taken", "PRO")
    ended = event(owner.organization_id, "deleted", created=NOW + 1)
    ended["data"]["object"] |= {"metadata": {}, "items": {"data": []}}
    assert (deliver(world, ended).raw, plan(owner)) == (b"taken", "FREE")
    unknown = event(owner.organization_id, "deleted", created=NOW + 1, id=f"sub_{new_id()}", metadata={})
    assert deliver(world, unknown).raw == b"ignored"


def test_a_checkout_without_a_subscription_gives_no_plan(world: World, owner: Member) -> None:
    once = event(owner.organization_id, id="cs_1", subscription=None, payment_status="paid")
    once["type"], once["data"]["object"]["metadata"]["price_id"] = "checkout.session.completed", "price_business"
    assert (deliver(world, once).raw, plan(owner)) == (b"ignored", "FREE")


def test_the_largest_plan_of_a_subscription_counts_whatever_else_it_has(world: World, owner: Member) -> None:
    payload = event(owner.organization_id)
    payload["data"]["object"]["items"]["data"] = [
        {"price": {"id": price_id}} for price_id in ("price_addon", "price_pro", "price_business")
    ]
    assert (deliver(world, payload).raw, plan(owner)) == (b"taken", "BUSINESS")


def test_prices_that_were_set_wrongly_are_a_fault_of_ours(world: World, owner: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYMENT_PRICES", '{"price_pro": "pro"}')
    payload = event(owner.organization_id)
    assert deliver(world, payload).status == 500  # so that it comes again
    monkeypatch.setenv("PAYMENT_PRICES", '{"price_pro": "PRO"}')
    assert (deliver(world, payload).raw, plan(owner)) == (b"taken", "PRO")
