"""Who takes a round-robin booking, among those free at its start. Pure; called inside the booking transaction, the pool's rows locked."""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

STRATEGIES = ("ROTATE", "WEIGHTED", "LEAST_RECENT", "PRIORITY")
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PoolMember:
    """A host's place in a pool; the pool's order is the order of the sequence it comes in."""

    id: Hashable
    weight: int = 1
    priority: int = 0
    assignment_count: int = 0
    last_assigned_at: datetime | None = None


def choose_host(strategy: str, pool: Sequence[PoolMember], free: Collection[Hashable]) -> PoolMember | None:
    """The member who gets the booking, or None when nobody of the pool is free.

    - ROTATE: the next free one round the pool's order after the one assigned last, free or not. Who is skipped is not owed a turn.
    - WEIGHTED: the largest weight share x (bookings of the pool so far + 1) - own bookings, shares being of the whole pool's weight.
      Weight 0 only when nobody else is free. Ties: larger weight, longest unassigned, pool order.
    - LEAST_RECENT: the never assigned, then the oldest assignment, then pool order.
    - PRIORITY: the largest priority; ties as LEAST_RECENT.

    ValueError for another strategy.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy is one of {', '.join(STRATEGIES)}")
    candidates = [member for member in pool if member.id in free]
    if not candidates:
        return None
    if strategy == "ROTATE":
        return next(member for member in _after_last(pool) if member.id in free)
    if strategy == "WEIGHTED":
        return _most_behind(pool, candidates)
    if strategy == "PRIORITY":
        return min(candidates, key=lambda member: (-member.priority, _assigned(member)))
    return min(candidates, key=_assigned)


def _assigned(member: PoolMember) -> datetime:
    return member.last_assigned_at or _NEVER


def _after_last(pool: Sequence[PoolMember]) -> list[PoolMember]:
    last = max(range(len(pool)), key=lambda index: _assigned(pool[index]))
    if pool[last].last_assigned_at is None:
        return list(pool)
    return [*pool[last + 1 :], *pool[: last + 1]]


def _most_behind(pool: Sequence[PoolMember], candidates: Sequence[PoolMember]) -> PoolMember:
    total_weight, bookings = sum(member.weight for member in pool), sum(member.assignment_count for member in pool)

    def order(member: PoolMember) -> tuple[bool, int, int, datetime]:
        # The rule multiplied by the total weight: whole numbers, so equal claims are equal.
        claim = member.weight * (bookings + 1) - member.assignment_count * max(total_weight, 1)
        return member.weight == 0, -claim, -member.weight, _assigned(member)

    return min(candidates, key=order)
