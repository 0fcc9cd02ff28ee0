"""Whose turn it is in a pool, and the count of who has had how many.

A booking counts for the host that it was given to while it stands or has taken place. Canceled, declined or moved away, it is given back:
the host did not have it, and shares by count stay those of meetings. The time of the last assignment is not given back: somebody who books
and cancels could otherwise choose the host.
"""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.scheduling.availability.conflicts import Conflicts
from parley.scheduling.availability.inputs import BookableEventType
from parley.scheduling.availability.slot_calculation import Slot
from parley.scheduling.round_robin.assignment import PoolMember, choose_host
from parley.scheduling.tables.booking_models import Booking
from parley.scheduling.tables.enums import AssignmentStrategy
from parley.scheduling.tables.round_robin_models import RoundRobinAssignment


def chosen_hosts(offer: BookableEventType, conflicts: Conflicts, slot: Slot) -> Sequence[UUID]:
    """Who takes the slot: one of a pool, by its strategy; else all who are free, as many as the kind has."""
    free = cast("Sequence[UUID]", slot.hosts)
    if offer.strategy is None:
        return free
    pool = [
        PoolMember(
            host_schedule.user_id, host_schedule.weight, host_schedule.priority, *conflicts.turns.get(host_schedule.user_id, (0, None))
        )
        for host_schedule in offer.places
    ]
    if offer.strategy is AssignmentStrategy.ROTATE:  # it goes on from who had the last one, who may be away by now
        pool = [
            PoolMember(host_id, 1, 0, *conflicts.turns[host_id])
            for host_id in sorted(conflicts.turns, key=lambda host_id: (conflicts.positions[host_id], host_id))
        ]
    member = choose_host(offer.strategy.value, pool, free)
    return [cast("UUID", member.id)] if member else free[:1]


def count_booking(session: Session, booking: Booking) -> None:
    """Count a booking for its host. It travels with the next statement."""
    _count(session, booking, 1)


def uncount_booking(session: Session, booking: Booking) -> None:
    """Count it no more. It travels with the next statement."""
    _count(session, booking, -1)


def _count(session: Session, booking: Booking, by: int) -> None:
    if booking.pool_id is None:
        return
    assignment = RoundRobinAssignment
    statement = update(assignment).where(assignment.pool_id == booking.pool_id, assignment.user_id == booking.host_id)
    at = now()
    if by > 0:
        counted = statement.values(assignment_count=assignment.assignment_count + 1, last_assigned_at=at, updated_at=at)
    else:
        counted = statement.values(assignment_count=func.greatest(assignment.assignment_count - 1, 0), updated_at=at)
    execute_later(session, counted)
