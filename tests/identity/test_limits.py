"""Requests a minute, by plan and by key: counted as a request's first transaction begins, for the whole organization at once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from parley.identity.models import RequestCount
from parley.kernel.access.plans import PLANS, PlanType
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from tests.harness import Answer, Client, Member, World
from tests.kernel.postgres_proxy import wired

ME = "/v1/identity/me"
SCHEDULES = "/v1/scheduling/schedules"
EXCEEDED = select(AuditLog).where(AuditLog.action == "security.rate_limit_exceeded")


def allow(member: Member, requests: int | None) -> None:
    """An agreement with one organization."""
    with transactions.transaction(member.caller) as session:
        session.execute(text("UPDATE organizations SET request_limit = :limit"), {"limit": requests})


def use(member: Member, requests: int) -> None:
    """As if there had been so many requests in this minute."""
    with transactions.transaction(member.caller) as session:
        session.execute(text("UPDATE request_counts SET requests = :used"), {"used": requests})


def pass_time(member: Member, seconds: float) -> None:
    with transactions.transaction(member.caller) as session:
        session.execute(text("UPDATE request_counts SET started_at = started_at - :by * interval '1 s'"), {"by": seconds})


def fields(answer: Answer) -> tuple[str, str]:
    return answer.headers["ratelimit-policy"], answer.headers["ratelimit"].rpartition(";t=")[0]


def test_free_is_sixty_a_minute_and_says_what_is_left(world: World) -> None:
    small = world.organization("Small", PlanType.FREE)
    left = []
    for _ in range(60):
        answer = small.get(ME)
        assert answer.status == 200
        policy, remaining = fields(answer)
        assert policy == '"plan";q=60;w=60'
        left.append(remaining)
    assert left == [f'"plan";r={59 - at}' for at in range(60)]
    refused = small.get(ME)
    assert (refused.status, refused.body["code"], refused.body["limit"]) == (429, "rate_limit_exceeded", 60)
    assert refused.headers["content-type"] == "application/problem+json"
    seconds = int(refused.headers["retry-after"])
    assert 0 < seconds <= 60 and refused.headers["ratelimit"] == f'"plan";r=0;t={seconds}'
    assert str(seconds) in refused.body["detail"]


@pytest.mark.parametrize("plan", PlanType)
def test_a_plan_has_its_quota(world: World, plan: PlanType) -> None:
    member = world.organization("Sized", plan)
    quota = PLANS[plan].requests_per_minute
    assert fields(member.get(ME)) == (f'"plan";q={quota};w=60', f'"plan";r={quota - 1}')


def test_a_hundred_at_once_let_sixty_through_and_audit_it_once(world: World) -> None:
    small = world.organization("Small", PlanType.FREE)
    with ThreadPoolExecutor(20) as pool:
        answers = Counter(pool.map(lambda _: small.get(ME).status, range(100)))
    assert answers == {200: 60, 429: 40}
    [row] = small.rows(EXCEEDED)
    assert (row.actor_id, row.details) == (small.user_id, {"status": 429, "route": "GET /v1/identity/me"})


def test_the_next_minute_is_another_one(acme: Member) -> None:
    allow(acme, 2)
    for _ in range(2):
        assert [acme.get(ME).status for _ in range(4)] == [200, 200, 429, 429]
        pass_time(acme, 59)
        assert acme.get(ME).status == 429
        pass_time(acme, 1.1)
    assert len(acme.rows(EXCEEDED)) == 2


def test_a_window_that_ends_while_many_ask_begins_once(acme: Member) -> None:
    allow(acme, 30)
    acme.get(ME)
    for _ in range(3):
        use(acme, 1000)
        pass_time(acme, 61)
        with ThreadPoolExecutor(16) as pool:
            assert Counter(pool.map(lambda _: acme.get(ME).status, range(50))) == {200: 30, 429: 20}


def test_the_members_of_an_organization_share_and_others_do_not_notice(acme: Member, globex: Member) -> None:
    allow(acme, 3)
    admin = acme.as_role("ADMIN")
    assert [acme.get(ME).status, admin.get(ME).status, acme.get(ME).status, admin.get(ME).status] == [200, 200, 200, 429]
    assert globex.get(ME).status == 200


def test_a_key_has_a_limit_of_its_own_within_the_plans(acme: Member) -> None:
    limited, other = acme.key("schedules:read", request_limit=3), acme.key("schedules:read")
    allow(acme, 100)
    answers = [limited.get(SCHEDULES) for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    assert fields(answers[0]) == ('"key";q=3;w=60', '"key";r=2')
    assert "raise the key's limit" in answers[3].body["detail"]
    policy, remaining = fields(other.get(SCHEDULES))
    assert policy == '"plan";q=100;w=60' and int(remaining.rpartition("=")[2]) >= 90
    assert [row.actor_id for row in acme.rows(EXCEEDED)] == [limited.id]


def test_what_a_keys_limit_refuses_takes_nothing_from_the_organization(acme: Member) -> None:
    limited = acme.key("schedules:read", request_limit=2)
    allow(acme, 50)
    acme.get(ME)
    use(acme, 0)
    with ThreadPoolExecutor(16) as pool:
        assert Counter(pool.map(lambda _: limited.get(SCHEDULES).status, range(60))) == {200: 2, 429: 58}
    assert acme.get(ME).status == 200


def test_the_nearer_limit_is_the_one_that_is_told(acme: Member) -> None:
    limited = acme.key("schedules:read", request_limit=10)
    allow(acme, 6)
    pass_time(acme, 61)
    policies = [fields(limited.get(SCHEDULES))[0] for _ in range(3)]
    assert policies == ['"plan";q=6;w=60'] * 3


def test_refusals_cost_no_audit_rows_each(acme: Member) -> None:
    allow(acme, 5)
    viewer = acme.as_role("VIEWER")
    for _ in range(20):
        assert viewer.post(SCHEDULES, {}).status == 403
    attempts = acme.rows(select(AuditLog.action).where(AuditLog.action == "security.unauthorized_access_attempted"))
    assert len(attempts) <= 5 and len(acme.rows(EXCEEDED)) <= 1


def test_counting_costs_no_round_trip(world: World, acme: Member) -> None:
    key = acme.key("schedules:read", request_limit=1000)
    token = Client(world, str(acme.token))
    with wired() as wire:
        for client in (token, key):
            client.get(SCHEDULES)
            before = wire.round_trips
            client.get(SCHEDULES)
            assert wire.round_trips - before == 3  # begin with the question, the list, commit


def test_a_page_of_another_origin_may_read_the_fields(acme: Member) -> None:
    answer = acme.get(ME, headers={"origin": "https://app.example"})
    exposed = answer.headers["access-control-expose-headers"].split(",")
    assert {"ratelimit", "ratelimit-policy", "retry-after"} <= set(exposed)


def test_a_crash_of_the_database_forgets_counts_and_nothing_else(acme: Member) -> None:
    """The table is unlogged: emptied after a crash, it counts from one again."""
    allow(acme, 2)
    assert [acme.get(ME).status for _ in range(3)] == [200, 200, 429]
    with transactions.transaction(acme.caller) as session:
        session.execute(text("DELETE FROM request_counts"))
    assert acme.get(ME).status == 200
    assert [row.requests for row in acme.rows(select(RequestCount))] == [1]
