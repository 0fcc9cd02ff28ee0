"""How much of a day strangers may take, so that it stays bookable whatever they do. Pure.

Holds keep half of what there is room for. Bookings without a proof of the address take three quarters, those of one network half.
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from parley.kernel.access.admission import WINDOW_SECONDS
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, TooManyRequests
from parley.scheduling.availability.availability_rules import local_day, monday_of, to_instant
from parley.scheduling.availability.conflicts import Conflicts, UnprovenBooking
from parley.scheduling.availability.inputs import BookableEventType
from parley.scheduling.availability.slot_calculation import GroupSession, Interval, Slot, open_slots
from parley.scheduling.tables.enums import EventTypeKind

FEW = 3
"""So many bookings of a day one network has without a proof, be the day ever so short: while another is left."""


@dataclass(frozen=True, slots=True)
class SlotPlacement:
    """A slot that was found for a booking, and who will be there."""

    offer: BookableEventType
    slot: Slot
    hosts: Sequence[UUID]
    seat: int
    conflicts: Conflicts


class DayMostlyUnproven(Conflict):
    """Three quarters of the day are booked by people who have not proved their address, or half by those of one network."""

    def __init__(self) -> None:
        super().__init__(
            "Much of this day is booked by people who have not proved their address; choose another day, or cancel and book anew."
        )


class DayMostlyHeld(TooManyRequests):
    """Holds keep half of what the day has room for: the rest is for who books."""

    def __init__(self) -> None:
        super().__init__("So many times of this day are held that no more can be; it can be booked without a hold.")
        self.headers = {"retry-after": str(WINDOW_SECONDS)}


def day_of(timezone: str, start: datetime) -> Interval:
    """The local day in which a start lies."""
    zone = ZoneInfo(timezone)
    midnight = start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return midnight, (midnight + timedelta(days=1)).replace(fold=0)


def check_hold(offer: BookableEventType, conflicts: Conflicts, slot: Slot, hosts: Sequence[UUID]) -> None:
    """Whether this one may be held beside what is `there` on its day. Raises `DayMostlyHeld`.

    Of a pool, those come first with whom something is held: each of the others only adds to what is left, so that of a large pool few are
    worked out.
    """
    before, later = conflicts.without_holds(), with_one_more(offer, conflicts, slot, hosts)
    changed = {*hosts, *conflicts.kept}
    free = after = 0
    for part in sorted(_parts(offer), key=changed.isdisjoint):
        is_changed = not changed.isdisjoint(part)
        if not is_changed and 2 * after >= free and after:
            return
        here = room(offer, before, slot, part)
        free, after = free + here, after + (room(offer, later, slot, part) if is_changed else here)
    if 2 * after < free or after < 1:
        raise DayMostlyHeld


def check_unproven(placement: SlotPlacement) -> bool:
    """Whether one more may be booked without a proof of the address beside what is `there`. Raises `DayMostlyUnproven`.

    Of the host's day, and of what the limits of the event type leave of its day and week. Returns whether it takes the last of one, where
    nothing else was booked so: as much as that is anybody's. What others hold is not left: both together would take all of it.
    """
    offer, slot = placement.offer, placement.slot
    conflicts, terms = placement.conflicts, offer.terms
    all_, today = conflicts.unproven.values(), local_day(offer.timezone, to_instant(slot.start))
    day = [booking for booking in all_ if local_day(offer.timezone, to_instant(booking.start)) == today]
    is_last = _takes_last(day, _room_up_to(_enough(day), offer, with_one_more(offer, conflicts, slot, placement.hosts), slot))

    counted = [local_day(offer.timezone, to_instant(start)) for start in conflicts.counted]
    if terms.max_per_day is not None:
        its = [booking for booking in day if booking.is_of_event_type]
        is_last |= _takes_last(its, terms.max_per_day - counted.count(today) - 1)
    if terms.max_per_week is not None:
        monday = monday_of(today)
        its = [
            booking
            for booking in all_
            if booking.is_of_event_type and monday_of(local_day(offer.timezone, to_instant(booking.start))) == monday
        ]
        is_last |= _takes_last(its, terms.max_per_week - [monday_of(day) for day in counted].count(monday) - 1)
    return is_last


def _takes_last(booked: Iterable[UnprovenBooking], left: int) -> bool:
    """Whether one more beside those `booked` without a proof takes the last: `left` are for others then. Raises `DayMostlyUnproven`."""
    every = [booking.is_of_network for booking in booked]
    all_, network_count = len(every) + 1, sum(every) + 1
    if (all_ > 1 and all_ > 3 * left) or (network_count > FEW and 2 * network_count > all_ + left):
        raise DayMostlyUnproven
    return left < 1


def _enough(booked: Sequence[UnprovenBooking]) -> int:
    """So much that is left for others decides it: more of it changes nothing in `_takes_last`."""
    all_, network_count = len(booked) + 1, sum(booking.is_of_network for booking in booked) + 1
    return max(1, -(-all_ // 3), 2 * network_count - all_)


def _parts(offer: BookableEventType) -> list[list[UUID]]:
    """Hosts by whom the room of a day is counted: each of a pool alone, all of other kinds together."""
    ids = [host_schedule.user_id for host_schedule in offer.places]
    return [[host_id] for host_id in ids] if offer.event_type.kind is EventTypeKind.ROUND_ROBIN else [ids]


def _room_up_to(enough: int, offer: BookableEventType, conflicts: Conflicts, slot: Slot) -> int:
    """`room` of all hosts, or of as many of them as have enough."""
    many = 0
    for part in _parts(offer):
        many += room(offer, conflicts, slot, part)
        if many >= enough:
            break
    return many


def with_one_more(offer: BookableEventType, conflicts: Conflicts, slot: Slot, hosts: Sequence[UUID]) -> Conflicts:
    before, behind = timedelta(minutes=offer.terms.buffer_before), timedelta(minutes=offer.terms.buffer_after)
    span = slot.start - before, slot.end + behind
    if offer.event_type.kind is EventTypeKind.GROUP:
        return Conflicts(busy=conflicts.busy, seats=[*conflicts.seats, (GroupSession(slot.start, span), 0)], counted=conflicts.counted)
    busy = {**conflicts.busy, **{host: [*conflicts.busy.get(host, ()), span] for host in hosts}}
    return Conflicts(busy=busy, seats=conflicts.seats, counted=conflicts.counted)


def room(offer: BookableEventType, conflicts: Conflicts, slot: Slot, part: Collection[UUID]) -> int:
    """How many more of these meetings the slot's day has room for with these hosts: one after the other with each, seat by seat in a
    session."""
    from_, to = day_of(offer.timezone, slot.start)
    open_ = open_slots(
        offer.terms,
        [host for host in conflicts.hosts(offer) if host.id in part],
        from_=from_,
        to=to,
        now=now(),
        counted=conflicts.counted,
        sessions=conflicts.sessions,
        timezone=offer.timezone,
    )
    gap = timedelta(minutes=offer.terms.buffer_before + offer.terms.buffer_after)
    many, ends = 0, dict[Hashable, datetime]()
    for opening in open_:
        together = offer.event_type.kind is not EventTypeKind.ROUND_ROBIN
        for host in opening.hosts[:1] if together else opening.hosts:
            if host not in ends or ends[host] + gap <= opening.start:
                ends[host] = opening.end
                many += opening.seats_left or 1
    return many
