"""How much of a day holds may keep: half of what there is room for, so that the day stays bookable whatever strangers hold. Pure."""

from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from parley.kernel.admission import WINDOW_SECONDS
from parley.kernel.clock import now
from parley.kernel.errors import TooManyRequests
from parley.scheduling.availability import Interval, Session, Slot, open_slots
from parley.scheduling.conflicts import Taken
from parley.scheduling.kinds import EventTypeKind
from parley.scheduling.offers import Offer


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


def check(found: Offer, there: Taken, slot: Slot, hosts: Sequence[UUID]) -> None:
    """Whether this one may be held beside what is `there` on its day. Raises `DayMostlyHeld`."""
    free, after = room(found, there.without_holds(), slot), room(found, with_one_more(found, there, slot, hosts), slot)
    if 2 * after < free or after < 1:
        raise DayMostlyHeld


def with_one_more(found: Offer, there: Taken, slot: Slot, hosts: Sequence[UUID]) -> Taken:
    before, behind = timedelta(minutes=found.terms.buffer_before), timedelta(minutes=found.terms.buffer_after)
    span = slot.start - before, slot.end + behind
    if found.event_type.kind is EventTypeKind.GROUP:
        return Taken(busy=there.busy, seats=[*there.seats, (Session(slot.start, span), 0)], counted=there.counted)
    busy = {**there.busy, **{host: [*there.busy.get(host, ()), span] for host in hosts}}
    return Taken(busy=busy, seats=there.seats, counted=there.counted)


def room(found: Offer, there: Taken, slot: Slot) -> int:
    """How many more of these meetings the slot's day has room for: one after the other with each host, seat by seat in a session."""
    from_, to = day_of(found.timezone, slot.start)
    open_ = open_slots(
        found.terms,
        there.hosts(found),
        from_=from_,
        to=to,
        now=now(),
        counted=there.counted,
        sessions=there.sessions,
        timezone=found.timezone,
    )
    gap = timedelta(minutes=found.terms.buffer_before + found.terms.buffer_after)
    many, ends = 0, dict[Hashable, datetime]()
    for one in open_:
        together = found.event_type.kind is not EventTypeKind.ROUND_ROBIN
        for host in one.hosts[:1] if together else one.hosts:
            if host not in ends or ends[host] + gap <= one.start:
                ends[host] = one.end
                many += one.seats_left or 1
    return many
