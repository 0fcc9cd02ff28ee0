"""Holds: a slot kept for somebody who is filling in the form."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from parley.kernel import keyed
from parley.kernel.callers import Caller
from parley.kernel.clock import now, of_database
from parley.kernel.gather import later
from parley.kernel.ids import new_id
from parley.scheduling import bookings, shares
from parley.scheduling.availability import Slot
from parley.scheduling.event_types import NoSuchEventType
from parley.scheduling.models import Hold
from parley.scheduling.offers import Which, offer
from parley.scheduling.schemas import HoldCreate, HoldRead

KEPT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Kept:
    """A hold as it was made, with the secret that is stored nowhere."""

    id: UUID
    token: str
    slot: Slot
    expires_at: datetime


def hold_slot(session: Session, caller: Caller, event_type_id: UUID, wanted: HoldCreate) -> HoldRead:
    """Keep a slot for five minutes: of one host's time, everybody's, or a seat, as a booking would take it. Anybody may.

    It takes the locks of a booking, so that of two who want the last one, one gets it. What is over stands in nobody's way, and goes when
    the next hold of the event type comes. Raises `NoSuchEventType`, `DayMostlyHeld`, and what `bookings.find` raises.
    """
    kept = keep(session, event_type_id, wanted)
    return HoldRead(token=kept.token, start_time=kept.slot.start, end_time=kept.slot.end, expires_at=kept.expires_at)


def keep(session: Session, event_type_id: Which, wanted: HoldCreate, *, proof_email: str | None = None) -> Kept:
    """The same; for who has to prove an address first, with it, and where the day is mostly held without keeping the time."""
    found = offer(session, event_type_id)
    if found is None:
        raise NoSuchEventType
    day = shares.day_of(found.timezone, wanted.start_time)
    place = bookings.find(session, found, wanted.start_time, wanted.instead_of, around=day)
    hosts = list(place.hosts)
    try:
        shares.check(place.offer, place.there, place.slot, hosts)
    except shares.DayMostlyHeld:
        if proof_email is None:
            raise
        hosts = []

    at, token, event_type = now(), secrets.token_urlsafe(24), place.offer.event_type
    kept = Hold(
        id=new_id(),
        event_type_id=event_type.id,
        proof_email=proof_email,
        host_ids=hosts,
        start_time=place.slot.start,
        held=Range(
            place.slot.start - timedelta(minutes=event_type.buffer_before), place.slot.end + timedelta(minutes=event_type.buffer_after)
        ),
        token_hash=keyed.digest(bookings.HOLD, token),
        expires_at=at + KEPT,
    )
    later(session, delete(Hold).where(Hold.own(), Hold.event_type_id == event_type.id, Hold.expires_at <= at))
    bookings.release(session, wanted.instead_of)
    session.add(kept)
    return Kept(kept.id, token, place.slot, kept.expires_at)


def forget(session: Session) -> int:
    """Delete what is over, in a sweep. Returns how many."""
    gone = session.execute(delete(Hold).where(Hold.expires_at <= of_database()))
    return gone.rowcount  # type: ignore[attr-defined, no-any-return]  # a DELETE's result has it
