"""Open slots: the list, and the check of one start, by the same function on the same two statements."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from parley.kernel.values import clock
from parley.kernel.values.errors import Conflict, Unprocessable
from parley.notifications.localization.catalogues import marked as _
from parley.scheduling.availability.conflicts import Conflicts, Exclusions, load_conflicts
from parley.scheduling.availability.inputs import BookableEventType, NoSuchEventType, bookable_event_type
from parley.scheduling.availability.schemas import OpenSlotRead, OpenSlotsRead
from parley.scheduling.availability.slot_calculation import Slot, open_slots, slot_at

LONGEST_RANGE = timedelta(days=62)


class BadRange(Unprocessable):
    """The range of instants is empty, runs backwards, or is too long."""


class SlotTaken(Conflict):
    """Somebody else has this time of the host, or the last seat."""

    def __init__(self) -> None:
        super().__init__(_("Someone else has this slot; choose another."))


class LimitReached(Conflict):
    """The event type takes no more bookings on that day or in that week."""


class SlotNotOffered(Unprocessable):
    """Nobody has the time, and it is not offered: outside the hours, off the grid, or too soon."""


class BeyondHorizon(SlotNotOffered):
    """It lies farther ahead than the event type is offered."""


def check_range(from_: datetime, to: datetime) -> None:
    """Raises `BadRange`."""
    if not timedelta() < to - from_ <= LONGEST_RANGE:
        raise BadRange(f"`to` lies after `from`, by {LONGEST_RANGE.days} days at most; ask for a longer range in parts.")


def slots(
    session: Session, event_type_id: UUID, from_: datetime, to: datetime, timezone: str | None, aside: Exclusions | None = None
) -> OpenSlotsRead:
    """The open slots that start in `[from_, to)`, for anybody. Two statements, however long the range and however many the hosts.

    `aside` is what does not stand in the way of who asks. Raises `NoSuchEventType`.
    """
    offer = bookable_event_type(session, event_type_id)
    if offer is None:
        raise NoSuchEventType
    open_ = open_slots_of(session, offer, from_, to, aside or Exclusions())
    return OpenSlotsRead(timezone=timezone or offer.timezone, slots=[slot_read(slot) for slot in open_])


def open_slots_of(session: Session, offer: BookableEventType, from_: datetime, to: datetime, aside: Exclusions) -> list[Slot]:
    """The open slots of an offer that start in `[from_, to)`, in order. One statement; none where all of it is past, or too far ahead."""
    at = clock.now()
    from_, to = max(from_, at), min(to, offer.ends(at))
    if from_ >= to:
        return []
    conflicts = load_conflicts(session, offer, from_, to, aside)
    return open_slots(
        offer.terms,
        conflicts.hosts(offer),
        from_=from_,
        to=to,
        now=at,
        counted=conflicts.counted,
        sessions=conflicts.sessions,
        timezone=offer.timezone,
    )


def slot_read(slot: Slot) -> OpenSlotRead:
    return OpenSlotRead.model_construct(start_time=slot.start, end_time=slot.end, hosts=list(slot.hosts), seats_left=slot.seats_left)


def offered_slot(offer: BookableEventType, start: datetime) -> Slot:
    """The slot that starts then with nothing in the way: what hours, grid, notice and horizon say. It asks nobody, and needs no lock.

    Raises `BeyondHorizon`, `SlotNotOffered`.
    """
    at = clock.now()
    end = offer.ends(at)
    if start >= end:
        raise BeyondHorizon("It can't be booked that far ahead; take one of the list.", offered_until=end.isoformat())
    slot = slot_at(offer.terms, Conflicts().hosts(offer), start, now=at, timezone=offer.timezone)
    if slot is None:
        raise SlotNotOffered("No slot begins then; take one of the list.")
    return slot


def open_slot(offer: BookableEventType, conflicts: Conflicts, offered: Slot) -> Slot:
    """The same slot with what is taken, or the reason why there is none: the function of the list, asked again with less in the way.

    Raises `SlotTaken`, `LimitReached`.
    """
    hosts = [host for host in conflicts.hosts(offer) if host.id in offered.hosts]
    free = [host._replace(busy=()) for host in hosts]
    terms, start, zone = replace(offer.terms, min_notice=0, horizon=None), offered.start, offer.timezone
    if slot := slot_at(
        terms, hosts, start, now=start, counted=conflicts.counted, sessions=conflicts.sessions, timezone=zone, is_on_grid=True
    ):
        return slot
    if slot_at(terms, free, start, now=start, counted=conflicts.counted, timezone=zone, is_on_grid=True):
        raise SlotTaken
    raise LimitReached("This day or week is fully booked; choose another.")
