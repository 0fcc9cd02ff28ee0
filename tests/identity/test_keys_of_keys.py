"""Keys that keys have made, and limits of keys: neither time nor requests are to be had by asking for another key."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from parley.identity.keys import api_keys
from parley.identity.keys.schemas import ApiKeyCreate
from parley.identity.models import ApiKey
from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from tests.harness import Client, Keyed, Member

KEYS = "/v1/identity/api-keys"
SCHEDULES = "/v1/scheduling/schedules"


def after(**time: float) -> str:
    return (datetime.now(UTC) + timedelta(**time)).isoformat()


def child_of(key: Client, *permissions: str, **wanted: object) -> Keyed:
    answer = key.post(KEYS, {"label": "Child", "permissions": permissions or ("schedules:read",)} | wanted)
    assert answer.status == 201, answer.raw
    return Keyed(key.world, answer.body["key"], UUID(answer.body["id"]))


def successor_of(key: Keyed, by: Client, **wanted: object) -> Keyed:
    answer = by.post(f"{KEYS}/{key.id}/regenerate", wanted)
    assert answer.status == 201, answer.raw
    return Keyed(key.world, answer.body["key"], UUID(answer.body["id"]))


def ends_at(owner: Member, key: Keyed) -> datetime:
    return datetime.fromisoformat(owner.get(f"{KEYS}/{key.id}").body["expires_at"])


@pytest.mark.parametrize("wanted", [{}, {"expires_at": after(days=3000)}])
def test_a_key_that_a_key_makes_ends_no_later(acme: Member, wanted: dict[str, str]) -> None:
    maker = acme.key("api_keys:manage", "schedules:read", expires_at=after(hours=1))
    end = ends_at(acme, maker)
    assert ends_at(acme, child_of(maker, **wanted)) == end
    assert ends_at(acme, child_of(maker, expires_at=after(minutes=5))) < end
    assert ends_at(acme, successor_of(maker, maker, **wanted)) == end


def test_a_limited_key_gets_no_more_requests_from_another(acme: Member) -> None:
    maker = acme.key("api_keys:manage", "schedules:read", request_limit=50)
    unlimited, smaller = acme.key("schedules:read"), acme.key("schedules:read", request_limit=5)
    limits = [
        acme.get(f"{KEYS}/{key.id}").body["request_limit"]
        for key in (child_of(maker), successor_of(unlimited, maker), successor_of(smaller, maker), successor_of(maker, maker))
    ]
    assert limits == [50, 50, 5, 50]


def test_who_may_change_limits_gives_any(acme: Member) -> None:
    maker = acme.key("api_keys:manage", "rate_limits:manage", "schedules:read", request_limit=50)
    assert acme.get(f"{KEYS}/{child_of(maker).id}").body["request_limit"] is None
    assert acme.get(f"{KEYS}/{child_of(maker, request_limit=500).id}").body["request_limit"] == 500


def test_the_children_of_a_regenerated_key_are_its_successors(acme: Member) -> None:
    maker = acme.key("api_keys:manage", "schedules:read")
    child = child_of(maker)
    successor = successor_of(maker, acme)
    assert maker.get(SCHEDULES).body["code"] == "key_revoked"
    assert child.get(SCHEDULES).status == 200
    assert acme.delete(f"{KEYS}/{successor.id}").status == 204
    assert child.get(SCHEDULES).body["code"] == "key_revoked"


def test_a_key_that_replaced_itself_ends_with_what_it_was(acme: Member) -> None:
    leaked = acme.key("api_keys:manage", "schedules:read")
    child = child_of(leaked)
    successor = successor_of(leaked, leaked, overlap_seconds=60)
    assert acme.delete(f"{KEYS}/{leaked.id}").status == 204
    assert [key.get(SCHEDULES).body["code"] for key in (successor, child)] == ["unknown_key"] * 2
    assert acme.rows(select(ApiKey.id).where(ApiKey.revoked_at.is_(None))) == []


def test_a_key_is_not_revoked_past_one_that_is_being_made_with_it(acme: Member) -> None:
    maker = acme.key("api_keys:manage", "schedules:read")
    caller = Caller(acme.organization_id, ActorType.API_KEY, maker.id, scopes=frozenset({"*"}), maker_id=acme.user_id)
    revoking = threading.Thread(target=lambda: acme.delete(f"{KEYS}/{maker.id}"))
    with transactions.transaction(caller) as session:
        api_keys.make_key(session, caller, ApiKeyCreate(label="Child", permissions=["schedules:read"]))
        revoking.start()
        revoking.join(0.3)  # it waits for this transaction
    revoking.join()
    assert acme.rows(select(ApiKey.id).where(ApiKey.revoked_at.is_(None))) == []


def test_a_limit_is_changed_by_who_may(acme: Member) -> None:
    key = acme.key("schedules:read", "api_keys:manage", request_limit=1)
    assert [key.get(SCHEDULES).status for _ in range(2)] == [200, 429]
    answer = acme.patch(f"{KEYS}/{key.id}", {"request_limit": 3})
    assert (answer.status, answer.body["request_limit"], answer.body["label"]) == (200, 3, "A key")
    assert key.get(SCHEDULES).status == 200
    refused = acme.key("api_keys:manage").patch(f"{KEYS}/{key.id}", {"request_limit": None})
    assert (refused.status, refused.body["scope"]) == (403, "rate_limits:manage")
    assert acme.patch(f"{KEYS}/{key.id}", {"request_limit": None}).body["request_limit"] is None
    assert [row.new_values for row in acme.rows(select(AuditLog).where(AuditLog.action == "api_key.updated"))] == [
        {"changed": ["request_limit"]}
    ] * 2


@pytest.mark.parametrize("limit", [0, -1, 1.5, "60", True, 1_000_001])
def test_a_limit_has_bounds(acme: Member, limit: object) -> None:
    assert acme.patch(f"{KEYS}/{acme.key('files:read').id}", {"request_limit": limit}).status == 422


def test_a_key_whose_time_is_over_makes_none(acme: Member) -> None:
    maker = acme.key("api_keys:manage")
    assert maker.get(KEYS).status == 200
    with transactions.transaction(acme.caller) as session:
        session.execute(update(ApiKey).values(expires_at=datetime.now(UTC)))
    refused = maker.post(KEYS, {"label": "Late", "permissions": ["api_keys:manage"]})
    assert (refused.status, refused.body["code"]) == (401, "key_revoked")
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
