"""Organizations by HTTP: founding, changing, deleting and restoring, handing over, plans."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from parley.identity.log_in import brute_force_throttle
from parley.identity.models import Organization, OrganizationMember
from parley.kernel.access.plans import PlanType
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.persistence.outbox import OutboxEvent
from parley.kernel.values.ids import new_id
from tests.harness import Member, Person, World

ORGANIZATIONS, ORGANIZATION = "/v1/identity/organizations", "/v1/identity/organization"


def wanted(**terms: Any) -> dict[str, Any]:
    return {"name": "Initech", "slug": f"initech-{new_id().hex}"} | terms


def founded(person: Person, **terms: Any) -> Member:
    """A new organization of the person's, as its owner."""
    answer = person.post(ORGANIZATIONS, wanted(**terms))
    assert answer.status == 201, answer.raw
    return person.at(UUID(answer.body["id"]), "OWNER")


@pytest.fixture
def person(world: World) -> Person:
    return world.person()


def test_a_person_founds_an_organization_and_owns_it(person: Person) -> None:
    body = wanted(description="Software", domain="Initech.Example", logo_url="https://initech.example/logo.png", brand_color="#00AAff")
    answer = person.post(ORGANIZATIONS, body, {"idempotency-key": "first"})
    assert answer.status == 201
    assert answer.body | {"id": 0, "created_at": 0, "updated_at": 0, "joined_at": 0} == body | {
        "visitor_limits": None,
        "id": 0, "created_at": 0, "updated_at": 0, "joined_at": 0, "deleted_at": None,
        "domain": "initech.example", "brand_color": "#00aaff",
        "locale": None,
        "timezone": "UTC", "plan": "FREE", "sso_enabled": False, "scim_enabled": False, "owner_id": str(person.user_id), "role": "OWNER",
    }  # fmt: skip
    owner = person.at(UUID(answer.body["id"]), "OWNER")
    assert owner.get(ORGANIZATION).body == {name: answer.body[name] for name in answer.body if name not in ("role", "joined_at")}
    assert owner.rows(select(AuditLog.action)) == ["organization.created"]
    assert owner.rows(select(OutboxEvent.name)) == ["identity.organization_created"]
    again = person.post(ORGANIZATIONS, body, {"idempotency-key": "first"})
    assert (again.status, again.body, again.headers["idempotency-replayed"]) == (201, answer.body, "true")
    assert len(person.get(ORGANIZATIONS).body["items"]) == 1
    other = person.post(ORGANIZATIONS, wanted(), {"idempotency-key": "first"})
    assert (other.status, other.body["code"]) == (422, "key_reused")


def test_keys_of_one_persons_requests_are_not_anothers(world: World, person: Person) -> None:
    assert person.post(ORGANIZATIONS, wanted(), {"idempotency-key": "k"}).status == 201
    assert world.person().post(ORGANIZATIONS, wanted(), {"idempotency-key": "k"}).status == 201


def test_a_member_of_one_organization_founds_another_one(acme: Member) -> None:
    answer = acme.post(ORGANIZATIONS, wanted())
    assert answer.status == 201
    assert [item["id"] for item in acme.get(ORGANIZATIONS).body["items"]] == [answer.body["id"], str(acme.organization_id)]


def test_a_person_founds_twenty_a_day(person: Person, world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: person.post(ORGANIZATIONS, wanted()), range(brute_force_throttle.FOUNDED_A_DAY + 5)))
    assert Counter(answer.status for answer in answers) == {201: brute_force_throttle.FOUNDED_A_DAY, 429: 5}
    refused = person.post(ORGANIZATIONS, wanted())
    assert (refused.status, refused.body["code"]) == (429, "too_many_organizations")
    assert 86_000 < int(refused.headers["retry-after"]) <= 86_400
    assert world.person().post(ORGANIZATIONS, wanted()).status == 201


def test_what_was_not_founded_is_not_counted(person: Person, acme: Member) -> None:
    taken = acme.get(ORGANIZATION).body["slug"]
    assert {person.post(ORGANIZATIONS, wanted(slug=taken)).status for _ in range(brute_force_throttle.FOUNDED_A_DAY + 1)} == {409}
    assert person.post(ORGANIZATIONS, wanted(), {"idempotency-key": "once"}).status == 201
    assert {person.post(ORGANIZATIONS, wanted()).status for _ in range(brute_force_throttle.FOUNDED_A_DAY - 1)} == {201}


@pytest.mark.parametrize(
    "slug", ["api", "docs", "auth", "bookings", "health", "v1", "scim", "saml", "www", "Upper", "a b", "-a", "a--b", "", "ä", "a" * 51]
)
def test_slugs_that_are_reserved_or_none(person: Person, slug: str) -> None:
    assert person.post(ORGANIZATIONS, wanted(slug=slug)).status == 422


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("domain", "no dots"), ("domain", "localhost"), ("domain", "-a.example"), ("domain", "a.example/x"),
        ("domain", "a" * 300 + ".example"),
        ("logo_url", "http://a.example/x.png"), ("logo_url", "javascript:alert(1)"), ("logo_url", "https://"), ("logo_url", "https://u:p@a.example/"),
        ("logo_url", "https://a.example/<script>"), ("logo_url", "https://a.example/ x"), ("logo_url", "https://a.example:99999/"),
        ("brand_color", "red"), ("brand_color", "#fff"), ("brand_color", "#12345g"), ("brand_color", "#1234567"),
        ("brand_color", "#123456\n"),
        ("timezone", "Mars/Olympus"), ("timezone", "localtime"), ("timezone", None), ("name", None), ("name", ""), ("slug", None),
        ("plan", "BUSINESS"), ("owner_id", "00000000-0000-7000-8000-000000000000"), ("sso_enabled", True), ("seat_limit", 9),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(acme: Member, field: str, value: Any) -> None:
    assert acme.patch(ORGANIZATION, {field: value}).status == 422
    assert acme.post(ORGANIZATIONS, wanted(**{field: value})).status == 422


def test_a_slug_belongs_to_one_organization(person: Person, acme: Member) -> None:
    taken = acme.get(ORGANIZATION).body["slug"]
    refused = person.post(ORGANIZATIONS, wanted(slug=taken))
    assert (refused.status, refused.body["code"]) == (409, "organization_slug_taken")
    refused = founded(person).patch(ORGANIZATION, {"slug": taken})
    assert (refused.status, refused.body["code"]) == (409, "organization_slug_taken")


def test_the_profile_is_changed_field_by_field_and_emptied_by_null(acme: Member) -> None:
    assert acme.patch(ORGANIZATION, {"description": "Rockets", "timezone": "Europe/Berlin", "brand_color": "#102030"}).status == 200
    changed = acme.patch(ORGANIZATION, {"description": None, "name": " Acme Two "})
    assert changed.status == 200
    assert (changed.body["description"], changed.body["name"], changed.body["timezone"]) == (None, "Acme Two", "Europe/Berlin")
    assert acme.patch(ORGANIZATION, {}).body == changed.body == acme.get(ORGANIZATION).body
    details = acme.rows(select(AuditLog.details).where(AuditLog.action == "organization.updated"))
    assert details == [{"changed": ["brand_color", "description", "timezone"]}, {"changed": ["description", "name"]}]


@pytest.mark.parametrize(("role", "allowed"), [("ADMIN", True), ("MEMBER", False), ("VIEWER", False)])
def test_administrators_change_the_profile_and_the_owner_alone_deletes(acme: Member, role: str, allowed: bool) -> None:
    colleague = acme.as_role(role)
    assert colleague.patch(ORGANIZATION, {"name": "Mine"}).status == (200 if allowed else 403)
    for refused in (
        colleague.delete(ORGANIZATION),
        colleague.put(f"{ORGANIZATION}/plan", {"plan": "PRO"}),
        colleague.post(f"{ORGANIZATION}/transfer", {"user_id": str(colleague.user_id)}),
    ):
        assert (refused.status, refused.body["code"]) == (403, "missing_scope")


# --- deleted ------------------------------------------------------------------------------------------------------------------------------


def release(world: World, slug: str) -> None:
    """The time for which a slug that was given up is kept back is over."""
    with world.stack.postgres.superuser("parley") as superuser:
        superuser.run("UPDATE directory_entries SET released_at = released_at - interval '91 days' WHERE key = :slug", slug=slug)


def test_a_deleted_organization_lets_nobody_in_and_frees_its_slug_in_the_end(world: World, person: Person) -> None:
    owner = founded(person)
    colleague = owner.as_role("ADMIN")
    slug = owner.get(ORGANIZATION).body["slug"]
    response = owner.delete(ORGANIZATION)
    assert (response.status, response.raw) == (204, b"")
    for caller in (owner, colleague):
        refused = caller.get("/v1/identity/me")
        assert (refused.status, refused.body["code"]) == (403, "not_a_member")
    assert person.get(ORGANIZATIONS).body["items"] == []
    assert [item["id"] for item in person.get(ORGANIZATIONS, deleted="true").body["items"]] == [str(owner.organization_id)]
    assert world.person().post(ORGANIZATIONS, wanted(slug=slug)).body["code"] == "organization_slug_taken"
    release(world, slug)
    assert world.person().post(ORGANIZATIONS, wanted(slug=slug)).status == 201


def test_its_owner_restores_it(person: Person) -> None:
    owner = founded(person)
    before = owner.get(ORGANIZATION).body
    owner.delete(ORGANIZATION)
    restored = owner.request("POST", f"{ORGANIZATIONS}/{owner.organization_id}/restore")
    assert restored.status == 200
    assert restored.body | {"updated_at": 0} == before | {"updated_at": 0}
    assert owner.get(ORGANIZATION).status == 200
    assert owner.post(f"{ORGANIZATIONS}/{owner.organization_id}/restore").status == 200
    assert owner.rows(select(AuditLog.action).order_by(AuditLog.id)) == [
        "organization.created",
        "organization.deleted",
        "organization.restored",
    ]


def test_a_slug_that_was_taken_meanwhile_asks_for_another_one(world: World, person: Person) -> None:
    owner = founded(person)
    slug = owner.get(ORGANIZATION).body["slug"]
    owner.delete(ORGANIZATION)
    release(world, slug)
    assert world.person().post(ORGANIZATIONS, wanted(slug=slug)).status == 201
    restore = f"{ORGANIZATIONS}/{owner.organization_id}/restore"
    refused = person.post(restore)
    assert (refused.status, refused.body["code"]) == (409, "organization_slug_taken")
    assert "choose another" in refused.body["detail"]
    assert person.post(restore, {"slug": f"{slug[:40]}-2"}).body["slug"] == f"{slug[:40]}-2"


def test_nobody_else_restores_it_and_nobody_after_30_days(world: World, person: Person, acme: Member) -> None:
    owner = founded(person)
    colleague = owner.as_role("ADMIN")
    owner.delete(ORGANIZATION)
    restore = f"{ORGANIZATIONS}/{owner.organization_id}/restore"
    answers = [client.post(restore) for client in (colleague, acme, world.person())]
    assert {answer.status for answer in answers} == {404}
    assert {answer.raw for answer in answers} == {person.post(f"{ORGANIZATIONS}/{new_id()}/restore").raw}
    with transactions.transaction(owner.caller) as session:
        deleted_at = Organization.deleted_at - timedelta(days=31)
        session.execute(update(Organization).values(deleted_at=deleted_at), execution_options={"with_deleted": True})
    assert person.post(restore).status == 404
    assert person.get(ORGANIZATIONS, deleted="true").body["items"] == []


# --- handed over --------------------------------------------------------------------------------------------------------------------------


def test_the_owner_hands_over_and_becomes_an_administrator(acme: Member) -> None:
    heir = acme.as_role("VIEWER")
    answer = acme.post(f"{ORGANIZATION}/transfer", {"user_id": str(heir.user_id)})
    assert (answer.status, answer.body["owner_id"]) == (200, str(heir.user_id))
    roles = {member.user_id: member.role for member in acme.rows(select(OrganizationMember))}
    assert roles == {acme.user_id: "ADMIN", heir.user_id: "OWNER"}
    stale = acme.get("/v1/identity/me")
    assert (stale.status, stale.body["code"]) == (401, "rights_changed")
    (row,) = acme.rows(select(AuditLog).where(AuditLog.action == "organization.transferred"))
    assert (row.target_user_id, row.new_values) == (heir.user_id, {"owner_id": str(heir.user_id)})


def test_only_an_active_member_takes_over(world: World, acme: Member, globex: Member) -> None:
    for user_id, status, code in (
        (globex.user_id, 404, "no_such_member"),
        (new_id(), 404, "no_such_member"),
        (acme.user_id, 409, "already_owner"),
    ):
        refused = acme.post(f"{ORGANIZATION}/transfer", {"user_id": str(user_id)})
        assert (refused.status, refused.body["code"]) == (status, code)
    asleep = acme.as_role("ADMIN")
    with transactions.transaction(acme.caller) as session:
        condition = OrganizationMember.user_id == asleep.user_id
        session.execute(update(OrganizationMember).where(condition).values(deactivated_at=OrganizationMember.joined_at))
    refused = acme.post(f"{ORGANIZATION}/transfer", {"user_id": str(asleep.user_id)})
    assert (refused.status, refused.body["code"]) == (409, "not_an_active_member")


# --- plans --------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "seats", "minute", "days", "api"),
    [("FREE", 1, 60, 30, False), ("PRO", 3, 300, None, False), ("BUSINESS", 4, 1000, None, True)],
)
def test_limits_are_those_of_the_plan(world: World, plan: str, seats: int, minute: int, days: int | None, api: bool) -> None:
    owner = world.organization("Hooli", PlanType.FREE)
    world.give_plan(owner.organization_id, plan)
    chosen = owner.put(f"{ORGANIZATION}/plan", {"plan": plan})
    assert chosen.status == 200
    assert chosen.body == owner.get(f"{ORGANIZATION}/limits").body == {
        "plan": plan, "seats": {"used": 1, "limit": seats}, "requests_per_minute": minute, "history_days": days, "has_api_access": api,
    }  # fmt: skip


def test_a_plan_with_too_few_seats_is_refused(world: World) -> None:
    owner = world.organization("Hooli", PlanType.BUSINESS)
    owner.as_role("ADMIN")
    refused = owner.put(f"{ORGANIZATION}/plan", {"plan": "FREE"})
    assert (refused.status, refused.body["code"], refused.body["used"], refused.body["limit"]) == (409, "too_many_seats_taken", 2, 1)
    assert owner.get(f"{ORGANIZATION}/limits").body["plan"] == "BUSINESS"
    assert owner.put(f"{ORGANIZATION}/plan", {"plan": "PRO"}).status == 200
    assert owner.put(f"{ORGANIZATION}/plan", {"plan": "GOLD"}).status == 422
    assert len(owner.rows(select(AuditLog).where(AuditLog.action == "organization.plan_changed"))) == 1


def test_my_organizations_by_pages(person: Person, world: World) -> None:
    made = [str(founded(person).organization_id) for _ in range(5)]
    seen, cursor = [], None
    while True:
        page = person.get(ORGANIZATIONS, limit=2, cursor=cursor).body
        seen += [(item["id"], item["role"]) for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [(organization_id, "OWNER") for organization_id in reversed(made)]
    assert world.person().get(ORGANIZATIONS).body == {"items": [], "next_cursor": None}
