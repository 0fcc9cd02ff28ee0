"""API keys: their form, what they may, how they end."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, text, update

from parley.identity.keys import api_key_format
from parley.identity.models import ApiKey, MemberRole, OrganizationMember
from parley.kernel.access.plans import PlanType
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.persistence.idempotency import IdempotencyRecord
from parley.kernel.values.ids import new_id
from tests.harness import Answer, Client, Member, World
from tests.kernel.postgres_proxy import wired

KEYS = "/v1/identity/api-keys"
SCHEDULES = "/v1/scheduling/schedules"


def made(member: Client, *permissions: str, **wanted: Any) -> Answer:
    return member.post(KEYS, {"label": "Website", "permissions": permissions} | wanted)


def change_role(owner: Member, user_id: UUID, role: MemberRole) -> None:
    with transactions.transaction(owner.caller) as session:
        session.execute(update(OrganizationMember).where(OrganizationMember.user_id == user_id).values(role=role))


# --- form --------------------------------------------------------------------------------------------------------------------------------


def test_a_key_names_its_organization_and_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    organization_id = new_id()
    for environment, word in (("production", "live"), ("staging", "test"), ("local", "test")):
        monkeypatch.setenv("PARLEY_ENVIRONMENT", environment)
        key = api_key_format.make(organization_id)
        assert re.fullmatch(api_key_format.PATTERN, key) and key.startswith(f"parley_{word}_")
        assert api_key_format.organization_of(key) == organization_id
    monkeypatch.setenv("PARLEY_ENVIRONMENT", "production")
    with pytest.raises(api_key_format.MalformedApiKey, match="another environment"):
        api_key_format.organization_of(key)


def test_what_is_shown_of_a_key_tells_it_from_others_of_its_organization() -> None:
    organization_id = new_id()
    assert len({api_key_format.masked(api_key_format.make(organization_id)) for _ in range(100)}) == 100


def test_a_key_with_one_changed_character_is_refused_without_a_look_up(world: World, acme: Member) -> None:
    key = str(acme.key("files:read").token)
    with wired() as wire:
        assert world.authorized(key)
        before, tried = wire.round_trips, 0
        for at, character in enumerate(key):
            for other in {"0", "z", "A", "_", "é", chr(ord(character) ^ 1)} - {character}:
                assert not world.authorized(key[:at] + other + key[at + 1 :]), (at, other)
                tried += 1
        others = [key[:-1], key[1:], key + "0", key[:20] + key[21:], key[:20] + key[20] + key[20:], key.upper(), key[::-1]]
        others += [key[:20] + key[21] + key[20] + key[22:]] if key[20] != key[21] else []
        others += [
            "parley_",
            "parley_test_" + "z" * 71,
            "parley_test_" + "0" * 71,
            key + "\x00",
            "parley_live_" + key.removeprefix("parley_test_"),
        ]
        assert not any(world.authorized(other) for other in others)
        assert wire.round_trips == before
        assert tried >= 4 * len(key)
        assert world.authorized(key)
        assert wire.round_trips == before + 1


def test_a_well_formed_key_that_was_never_made_costs_one_look_up(world: World, acme: Member) -> None:
    with wired() as wire:
        assert not world.authorized(api_key_format.make(acme.organization_id))
        before = wire.round_trips
        assert not world.authorized(api_key_format.make(acme.organization_id))
        assert not world.authorized(api_key_format.make(new_id()))
        assert wire.round_trips == before + 2


# --- making ------------------------------------------------------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_lets_in(acme: Member) -> None:
    answer = made(acme, "schedules:read", "STANDARD", expires_at=(datetime.now(UTC) + timedelta(days=30)).isoformat(), request_limit=100)
    assert answer.status == 201
    key = answer.body["key"]
    assert key.startswith(answer.body["prefix"]) and len(answer.body["prefix"]) < 24
    assert {"schedules:read", "files:write"} <= set(answer.body["permissions"])
    assert (answer.body["request_limit"], answer.body["user_id"]) == (100, str(acme.user_id))
    program = Client(acme.world, key)
    assert program.get(SCHEDULES).status == 200
    refused = program.post(SCHEDULES, {})
    assert (refused.status, refused.body["code"], refused.body["scope"]) == (403, "missing_scope", "schedules:write")
    assert "schedules:write" in refused.body["detail"]
    for shown in (acme.get(KEYS), acme.get(f"{KEYS}/{answer.body['id']}")):
        assert shown.status == 200 and key not in shown.raw.decode() and b'"key"' not in shown.raw


def test_a_repeated_request_gets_the_same_key_and_it_lies_sealed(acme: Member) -> None:
    wanted, headers = {"label": "Website", "permissions": ["files:read"]}, {"idempotency-key": "once"}
    first, again = (acme.post(KEYS, wanted, headers) for _ in range(2))
    assert first.body == again.body and again.headers["idempotency-replayed"] == "true"
    assert len(acme.rows(select(ApiKey))) == 1
    assert first.body["key"] not in str(acme.rows(select(IdempotencyRecord.body)))


def test_only_a_keyed_hash_is_stored(acme: Member) -> None:
    key = made(acme, "files:read").body["key"]
    with transactions.transaction(acme.caller) as session:
        stored = " ".join(str(row) for row in session.execute(text("SELECT k::text FROM api_keys k")))
    assert key not in stored and key[20:60] not in stored and key[-20:] not in stored
    assert key not in repr(acme.rows(select(ApiKey)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"permissions": []},
        {"permissions": ["files:paint"]},
        {"permissions": ["nothing:*"]},
        {"permissions": ["**"]},
        {"permissions": "files:read"},
        {"permissions": ["files:read"] * 101},
        {"permissions": [None]},
        {"label": ""},
        {"label": "x" * 201},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2199-01-01T00:00:00Z"},
        {"expires_at": 1},
        {"request_limit": 0},
        {"request_limit": True},
        {"request_limit": 10**9},
        {"project_id": "x"},
        {"user_id": str(new_id())},
        {"key": "parley_test_mine"},
    ],
)
def test_what_is_no_key_is_refused(acme: Member, wrong: dict[str, Any]) -> None:
    assert acme.post(KEYS, {"label": "Website", "permissions": ["files:read"]} | wrong).status == 422


@pytest.mark.parametrize("plan", [PlanType.FREE, PlanType.PRO])
def test_a_plan_without_the_api_has_no_keys(world: World, plan: PlanType) -> None:
    refused = made(world.organization("Small", plan), "files:read")
    assert (refused.status, refused.body["code"], refused.body["limit"]) == (402, "plan_limit", "api_access")


def test_keys_stop_with_the_plan_and_come_back_with_it(acme: Member) -> None:
    key = acme.key("schedules:read")
    with transactions.transaction(acme.caller) as session:
        session.execute(text("UPDATE organizations SET plan = 'PRO'"))
    refused = key.get(SCHEDULES)
    assert (refused.status, refused.body["code"]) == (402, "plan_limit")
    with transactions.transaction(acme.caller) as session:
        session.execute(text("UPDATE organizations SET plan = 'BUSINESS'"))
    assert key.get(SCHEDULES).status == 200


# --- never more than the maker -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permission", "missing"),
    [
        ("*", "billing:manage"),
        ("ADMIN", "organization:delete"),
        ("organization:*", "organization:transfer"),
        ("billing:manage", "billing:manage"),
    ],
)
def test_a_key_is_not_made_with_more_than_its_maker_has(acme: Member, permission: str, missing: str) -> None:
    refused = made(acme.as_role("ADMIN"), "files:read", permission)
    assert (refused.status, refused.body["code"]) == (403, "missing_scope")
    assert missing in refused.body["missing"] and missing in refused.body["detail"]
    assert made(acme, permission).status == 201


def test_members_and_viewers_make_no_keys(acme: Member) -> None:
    for role in ("MEMBER", "VIEWER"):
        refused = made(acme.as_role(role), "files:read")
        assert (refused.status, refused.body["scope"]) == (403, "api_keys:manage")


def test_a_key_may_what_its_maker_still_may(world: World, acme: Member) -> None:
    admin = acme.as_role("ADMIN")
    narrow, wide = admin.key("schedules:read"), admin.key("schedules:*", "connections:*")
    assert (narrow.get(SCHEDULES).status, wide.post(SCHEDULES, {}).status) == (200, 422)
    change_role(acme, admin.user_id, MemberRole.VIEWER)
    # At once, whatever the gateway remembers; what the new role covers as well goes on.
    assert narrow.get(SCHEDULES).status == 200
    refused = wide.get(SCHEDULES)
    assert (refused.status, refused.body["code"], refused.headers["retry-after"]) == (401, "rights_changed", "60")
    world.forget_callers()
    assert narrow.get(SCHEDULES).status == wide.get(SCHEDULES).status == 200
    refused = wide.post(SCHEDULES, {})
    assert (refused.status, refused.body["scope"]) == (403, "schedules:write")
    assert set(world.authorized(str(wide.token))["scopes"].split()) == {"schedules:read", "connections:read"}
    change_role(acme, admin.user_id, MemberRole.ADMIN)
    assert wide.get(SCHEDULES).status == 200  # with less than it could have, until the minute is over
    world.forget_callers()
    assert wide.post(SCHEDULES, {}).status == 422


def test_a_key_stops_with_its_maker(world: World, acme: Member) -> None:
    for end in (
        update(OrganizationMember).values(deactivated_at=datetime.now(UTC)),
        delete(OrganizationMember),
        "UPDATE users SET status = 'SUSPENDED' WHERE id = :user",
        "UPDATE users SET deleted_at = now() WHERE id = :user",
    ):
        admin = acme.as_role("ADMIN")
        key = admin.key("schedules:read")
        assert key.get(SCHEDULES).status == 200
        with transactions.transaction(acme.caller, person=admin.user_id) as session:
            if isinstance(end, str):
                session.execute(text(end), {"user": admin.user_id})
            else:
                session.execute(end.where(OrganizationMember.user_id == admin.user_id))
        refused = key.get(SCHEDULES)
        assert (refused.status, refused.body["code"]) == (401, "key_revoked")
        assert not world.authorized(str(key.token))


def test_a_key_makes_keys_within_itself_and_they_end_with_it(acme: Member) -> None:
    maker = acme.key("api_keys:manage", "schedules:*")
    refused = made(maker, "schedules:read", "event_types:read")
    assert (refused.status, refused.body["missing"]) == (403, ["event_types:read"])
    assert made(maker, "*").status == made(maker, "READ_ONLY").status == 403
    limited = made(maker, "schedules:read", request_limit=5)
    assert (limited.status, limited.body["scope"]) == (403, "rate_limits:manage")
    answer = made(maker, "schedules:read", "api_keys:manage")
    assert (answer.status, answer.body["user_id"]) == (201, str(acme.user_id))
    child = Client(acme.world, answer.body["key"])
    grandchild = Client(acme.world, made(child, "schedules:read").body["key"])
    assert child.get(SCHEDULES).status == grandchild.get(SCHEDULES).status == 200
    assert acme.delete(f"{KEYS}/{maker.id}").status == 204
    assert child.get(SCHEDULES).body["code"] == grandchild.get(SCHEDULES).body["code"] == "key_revoked"
    assert len(acme.rows(select(AuditLog.id).where(AuditLog.action == "api_key.revoked"))) == 3


# --- ending ------------------------------------------------------------------------------------------------------------------------------


def test_a_revoked_key_stops_at_once(world: World, acme: Member) -> None:
    key = acme.key("schedules:read")
    assert key.get(SCHEDULES).status == 200
    assert acme.delete(f"{KEYS}/{key.id}").status == 204
    revoked = acme.get(f"{KEYS}/{key.id}").body
    assert revoked["revoked_at"]
    refused = key.get(SCHEDULES)
    assert (refused.status, refused.body["code"]) == (401, "key_revoked")
    world.forget_callers()
    assert key.get(SCHEDULES).body["code"] == "unknown_key"
    assert (acme.delete(f"{KEYS}/{key.id}").status, acme.get(f"{KEYS}/{key.id}").body) == (204, revoked)
    assert acme.rows(select(AuditLog.action).where(AuditLog.action == "api_key.revoked")) == ["api_key.revoked"]


def test_an_expired_key_stops_at_once(world: World, acme: Member) -> None:
    key = acme.key("schedules:read", expires_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    assert key.get(SCHEDULES).status == 200
    with transactions.transaction(acme.caller) as session:
        session.execute(update(ApiKey).values(expires_at=datetime.now(UTC)))
    assert key.get(SCHEDULES).body["code"] == "key_revoked"
    assert not world.authorized(str(key.token))


def test_a_regenerated_key_overlaps_with_the_old_one(acme: Member) -> None:
    old = acme.key("schedules:read", request_limit=500)
    answer = acme.post(f"{KEYS}/{old.id}/regenerate", {"overlap_seconds": 3600})
    assert answer.status == 201
    new = Client(acme.world, answer.body["key"])
    assert (answer.body["replaces_id"], answer.body["request_limit"]) == (str(old.id), 500)
    assert new.get(SCHEDULES).status == old.get(SCHEDULES).status == 200
    ends_at = datetime.fromisoformat(acme.get(f"{KEYS}/{old.id}").body["expires_at"])
    assert timedelta(minutes=59) < ends_at - datetime.now(UTC) <= timedelta(hours=1)
    again = acme.request("POST", f"{KEYS}/{old.id}/regenerate")  # without a body
    assert (again.status, again.body["code"]) == (409, "api_key_ended")


def test_without_an_overlap_the_old_key_ends_at_once(acme: Member) -> None:
    old = acme.key("schedules:read")
    assert old.get(SCHEDULES).status == 200
    new = Client(acme.world, acme.post(f"{KEYS}/{old.id}/regenerate", {}).body["key"])
    assert new.get(SCHEDULES).status == 200
    assert old.get(SCHEDULES).body["code"] == "key_revoked"


def test_two_who_regenerate_one_key_make_one(acme: Member) -> None:
    old = acme.key("schedules:read")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: acme.post(f"{KEYS}/{old.id}/regenerate", {}).status, range(8)))
    assert sorted(answers) == [201] + [409] * 7


@pytest.mark.parametrize("overlap", [-1, 604_801, 1.5, "60", None, True])
def test_an_overlap_has_bounds(acme: Member, overlap: object) -> None:
    assert acme.post(f"{KEYS}/{acme.key('files:read').id}/regenerate", {"overlap_seconds": overlap}).status == 422


def test_nobody_regenerates_a_key_that_may_more_than_they(acme: Member) -> None:
    owners = acme.key("*")
    admin = acme.as_role("ADMIN")
    refused = admin.post(f"{KEYS}/{owners.id}/regenerate", {})
    assert (refused.status, refused.body["code"]) == (403, "missing_scope")
    response = admin.post(f"{KEYS}/{acme.key('files:read').id}/regenerate", {})
    assert (response.status, response.body["user_id"]) == (201, str(admin.user_id))


def test_a_revoked_key_is_not_regenerated(acme: Member) -> None:
    key = acme.key("files:read")
    acme.delete(f"{KEYS}/{key.id}")
    refused = acme.post(f"{KEYS}/{key.id}/regenerate", {})
    assert (refused.status, refused.body["code"]) == (409, "api_key_ended")


def test_a_key_that_was_to_end_is_replaced_by_one_that_lives_as_long(acme: Member) -> None:
    key = acme.key("files:read", expires_at=(datetime.now(UTC) + timedelta(days=30)).isoformat())
    body = acme.post(f"{KEYS}/{key.id}/regenerate", {}).body
    assert timedelta(days=29) < datetime.fromisoformat(body["expires_at"]) - datetime.now(UTC) <= timedelta(days=30, minutes=1)


def test_a_key_is_renamed_and_nothing_else(acme: Member) -> None:
    key = acme.key("files:read")
    assert acme.patch(f"{KEYS}/{key.id}", {"label": "Blog"}).body["label"] == "Blog"
    assert acme.patch(f"{KEYS}/{key.id}", {"label": "Blog", "permissions": ["*"]}).status == 422
    assert acme.patch(f"{KEYS}/{key.id}", {"label": None}).status == 422
    assert acme.patch(f"{KEYS}/{key.id}", {}).body["label"] == "Blog"


def test_keys_of_another_organization_are_not_there(acme: Member, globex: Member) -> None:
    key = acme.key("files:read")
    for answer in (
        globex.get(f"{KEYS}/{key.id}"),
        globex.patch(f"{KEYS}/{key.id}", {"label": "Mine"}),
        globex.post(f"{KEYS}/{key.id}/regenerate", {}),
        globex.delete(f"{KEYS}/{key.id}"),
    ):
        assert (answer.status, answer.body["code"]) == (404, "no_such_api_key")
    assert globex.get(KEYS).body["items"] == []


def test_last_use_is_written_at_most_once_a_minute(acme: Member) -> None:
    key = acme.key("schedules:read")

    def last_used() -> datetime | None:
        with transactions.transaction(acme.caller) as session:
            return session.scalars(select(ApiKey.last_used_at)).one()

    assert last_used() is None
    key.get(SCHEDULES)
    first = last_used()
    assert first is not None and datetime.now(UTC) - first < timedelta(seconds=30)
    key.get(SCHEDULES)
    assert last_used() == first
    with transactions.transaction(acme.caller) as session:
        session.execute(update(ApiKey).values(last_used_at=first - timedelta(seconds=61)))
    key.get(SCHEDULES)
    assert first < (last_used() or first)


def test_who_holds_a_keys_row_stops_none_of_its_requests(acme: Member) -> None:
    key = acme.key("schedules:read")
    with transactions.transaction(acme.caller) as session:
        session.execute(select(ApiKey).with_for_update())
        assert key.get(SCHEDULES).status == 200


def test_the_catalogue_is_for_everybody(stranger: Client) -> None:
    catalogue = stranger.get("/v1/identity/scopes").body
    assert {"name": "files:read", "description": "Read files."} in catalogue["scopes"]
    assert catalogue["roles"]["OWNER"] == ["*"] and catalogue["groups"]["ADMIN"] == ["*"]


def test_a_key_is_no_person_and_works_for_the_one_who_made_it(acme: Member) -> None:
    key = acme.key("*")
    refused = key.get("/v1/identity/me")
    assert (refused.status, refused.body["code"]) == (403, "not_a_person")
    made = key.post(SCHEDULES, {"name": "Mine", "timezone": "UTC", "slots": []})
    assert made.status == 201
    assert made.body["id"] in [item["id"] for item in acme.get(SCHEDULES).body["items"]]
