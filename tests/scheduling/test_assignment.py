"""Each strategy by its rule, and its shares over many bookings with hosts coming and going."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from parley.scheduling.round_robin.assignment import STRATEGIES, PoolMember, choose_host

START = datetime(2025, 1, 1, tzinfo=UTC)


def chosen(strategy: str, pool: list[PoolMember], free: str | None = None) -> object:
    member = choose_host(strategy, pool, {str(member.id) for member in pool} if free is None else set(free))
    return member and member.id


def hours(number: int) -> datetime:
    return START + timedelta(hours=number)


def play(strategy: str, pool: list[PoolMember], free_of: list[str]) -> list[str]:
    """Who gets each booking, when `free_of[n]` are free for the n-th."""
    turns = []
    for number, free in enumerate(free_of):
        member = choose_host(strategy, pool, set(free))
        assert member is not None
        turns.append(str(member.id))
        booked = replace(member, assignment_count=member.assignment_count + 1, last_assigned_at=hours(number))
        pool = [booked if other.id == member.id else other for other in pool]
    return turns


def test_nobody_free_nobody_chosen() -> None:
    for strategy in STRATEGIES:
        assert choose_host(strategy, [PoolMember("a")], set()) is None
        assert choose_host(strategy, [], {"a"}) is None


def test_rotate_goes_round_from_the_last_assigned() -> None:
    assert play("ROTATE", [PoolMember("a"), PoolMember("b"), PoolMember("c")], ["abc"] * 5) == ["a", "b", "c", "a", "b"]


def test_rotate_skips_who_is_not_free_and_owes_nothing() -> None:
    assert play("ROTATE", [PoolMember("a"), PoolMember("b"), PoolMember("c")], ["abc", "ac", "abc", "abc"]) == ["a", "c", "a", "b"]


def test_rotate_comes_back_to_the_last_when_alone() -> None:
    assert chosen("ROTATE", [PoolMember("a", last_assigned_at=hours(1)), PoolMember("b")], "a") == "a"


def test_weighted_follows_the_largest_claim() -> None:
    turns = play("WEIGHTED", [PoolMember("a", weight=1), PoolMember("b", weight=3)], ["ab"] * 8)
    assert turns == ["b", "b", "a", "b", "b", "b", "a", "b"]


def test_weighted_ties_take_larger_weight_then_longest_unassigned_then_order() -> None:
    assert (
        chosen(
            "WEIGHTED",
            [PoolMember("a", 1, assignment_count=0), PoolMember("b", 2, assignment_count=1), PoolMember("c", 0, assignment_count=1)],
        )
        == "b"
    )
    tied = [
        PoolMember("a", last_assigned_at=hours(2)),
        PoolMember("b", last_assigned_at=hours(1)),
        PoolMember("c", last_assigned_at=hours(1)),
    ]
    assert chosen("WEIGHTED", tied) == "b"
    assert chosen("WEIGHTED", [tied[0], tied[1], PoolMember("c")]) == "c"


def test_weight_zero_waits_until_nobody_else_is_free() -> None:
    pool = [PoolMember("a", weight=0), PoolMember("b", weight=1, assignment_count=1000)]
    assert chosen("WEIGHTED", pool) == "b"
    assert chosen("WEIGHTED", pool, "a") == "a"
    assert play("WEIGHTED", [PoolMember("a", weight=0), PoolMember("b", weight=0)], ["ab"] * 4) == ["a", "b", "a", "b"]


def test_least_recent_takes_the_never_assigned_then_the_oldest() -> None:
    pool = [PoolMember("a", last_assigned_at=hours(2)), PoolMember("b", last_assigned_at=hours(1)), PoolMember("c"), PoolMember("d")]
    assert [chosen("LEAST_RECENT", pool, free) for free in ("abcd", "abd", "ab", "a")] == ["c", "d", "b", "a"]


def test_priority_takes_the_largest_and_shares_among_equals() -> None:
    pool = [PoolMember("a", priority=1), PoolMember("b", priority=5), PoolMember("c", priority=5)]
    assert play("PRIORITY", pool, ["abc", "abc", "abc", "a", "ac"]) == ["b", "c", "b", "a", "c"]


def test_an_unknown_strategy_is_refused() -> None:
    with pytest.raises(ValueError, match="ROTATE"):
        choose_host("RANDOM", [PoolMember("a")], {"a"})


def test_shares_over_a_thousand_bookings_with_hosts_coming_and_going() -> None:
    dice = random.Random(7)
    free_of = [free if (free := "".join(name for name in "abcd" if dice.random() < 0.8)) else "abcd" for _ in range(1000)]
    weights = {"a": 1, "b": 2, "c": 3, "d": 4}
    pool = [PoolMember(name, weight=weight) for name, weight in weights.items()]
    counts = Counter(play("WEIGHTED", pool, free_of))
    assert all(abs(counts[name] - 100 * weight) <= 10 for name, weight in weights.items()), counts
    for strategy in ("ROTATE", "LEAST_RECENT"):
        counts = Counter(play(strategy, pool, free_of))
        assert all(abs(count - 250) <= 25 for count in counts.values()), (strategy, counts)
