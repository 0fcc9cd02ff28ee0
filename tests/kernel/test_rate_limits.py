"""One limiter for everything that a stranger can cause: exact, together or not at all, and a refusal costs nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from parley.kernel.access.admission import RateLimitExceeded
from parley.kernel.access.callers import system
from parley.kernel.access.rate_limits import RateLimit, Spending, network
from parley.kernel.persistence import rate_limit_buckets, transactions
from parley.kernel.values.ids import new_id
from tests.harness import Member, World

LIMIT = RateLimit("knocks", "knocks at this door", most=3, seconds=300)


def spends(*spending: Spending) -> str:
    try:
        transactions.spend(*spending)
    except RateLimitExceeded as refusal:
        return refusal.headers["retry-after"]
    return ""


def later(world: World, seconds: float) -> None:
    """All buckets are that much older."""
    with world.stack.postgres.superuser("parley") as superuser:
        superuser.run("UPDATE rate_limit_buckets SET full_at = full_at - make_interval(secs => :s)", s=seconds)


def test_as_many_at_once_and_then_one_for_each_part_of_the_time(world: World) -> None:
    door = LIMIT.of(new_id())
    assert [spends(door) for _ in range(5)] == ["", "", "", "100", "100"]
    later(world, 101)
    assert [spends(door) for _ in range(2)] == ["", "99"]
    later(world, 10_000)
    assert [spends(door) for _ in range(4)] == ["", "", "", "100"]


def test_who_is_refused_has_spent_nothing_of_anything_and_waits_no_longer_for_asking(world: World) -> None:
    other = RateLimit("rings", "rings", most=1, seconds=60)
    door, bell = LIMIT.of(new_id()), other.of(new_id())
    assert spends(bell) == ""
    for _ in range(5):
        assert 58 <= int(spends(door, bell)) <= 60
    assert [spends(door) for _ in range(4)][:3] == ["", "", ""]


def test_of_forty_at_once_as_many_pass_as_there_are(world: World) -> None:
    subjects = [
        RateLimit("a", "a", 30, 3600).of(new_id()),
        RateLimit("b", "b", 7, 3600).of(new_id()),
        RateLimit("c", "c", 20, 3600).of(new_id()),
    ]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda at: spends(*(subjects if at % 2 else reversed(subjects))), range(40)))
    assert results.count("") == 7
    assert [spends(subjects[0]) for _ in range(24)].count("") == 23


def test_a_transaction_that_spends_waits_for_the_database_no_more_often(acme: Member) -> None:
    caller = system(acme.organization_id)
    with transactions.transaction(caller) as session:
        before = transactions.round_trips(session)
        session.execute(text("SELECT 1"))
    with transactions.transaction(caller, spending=[LIMIT.of("trips", acme.organization_id)]) as session:
        session.execute(text("SELECT 1"))
        after = transactions.round_trips(session)
    assert after - before == 4  # SELECT and commit of that one; how this one begins, and its SELECT


def test_what_a_transaction_spent_stays_spent_when_it_fails(acme: Member) -> None:
    caller, door = system(acme.organization_id), LIMIT.of(new_id())
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), transactions.transaction(caller, spending=[door]) as session:
            session.execute(text("SELECT 1"))
            raise ZeroDivisionError
    with (
        pytest.raises(RateLimitExceeded, match="Too many knocks at this door; wait 100 s"),
        transactions.transaction(caller, spending=[door]),
    ):
        raise AssertionError


def test_what_is_spent_within_a_transaction_goes_back_with_it(acme: Member) -> None:
    caller, door = system(acme.organization_id), LIMIT.of(new_id())
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), transactions.transaction(caller) as session:
            rate_limit_buckets.spend_within(session, door)
            raise ZeroDivisionError
    assert spends(door) == ""


def test_full_buckets_are_forgotten_and_others_are_not(world: World) -> None:
    old, young = LIMIT.of(new_id()), LIMIT.of(new_id())
    spends(old)
    later(world, 101)
    spends(young)
    with transactions.sweep() as session:
        assert rate_limit_buckets.forget(session) >= 1
    with world.stack.postgres.superuser("parley") as superuser:
        kept = {subject for (subject,) in superuser.run("SELECT subject FROM rate_limit_buckets")}
    assert old.subject not in kept and young.subject in kept


def test_a_customer_of_a_network_is_an_address_of_the_old_kind_or_a_64_of_the_new() -> None:
    assert network("203.0.113.7") == "203.0.113.7"
    assert network("::ffff:203.0.113.7") == "203.0.113.7"
    assert network("2001:db8:1:2:3::4") == network("2001:db8:1:2:ffff::") == "2001:db8:1:2::/64"
    assert network("2001:db8:1:3::1") != network("2001:db8:1:2::1")


def test_a_subject_that_tells_of_somebody_is_hashed_under_a_key() -> None:
    assert LIMIT.of("eve@example.com").subject != LIMIT.of_person("eve@example.com").subject
    assert (
        LIMIT.of_network("203.0.113.7", 1).subject
        == LIMIT.of_network("203.0.113.7", 1).subject
        != LIMIT.of_network("203.0.113.8", 1).subject
    )
