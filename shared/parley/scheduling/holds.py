"""Holds: a slot kept for somebody who is filling in the form."""

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from parley.kernel import keyed
from parley.kernel.callers import Caller
from parley.kernel.clock import now
from parley.kernel.gather import later
from parley.scheduling import bookings
from parley.scheduling.event_types import NoSuchEventType
from parley.scheduling.models import Hold
from parley.scheduling.offers import offer
from parley.scheduling.schemas import HoldCreate, HoldRead

KEPT = timedelta(minutes=5)


def hold_slot(session: Session, caller: Caller, event_type_id: UUID, wanted: HoldCreate) -> HoldRead:
    """Keep a slot for five minutes: of one host's time, everybody's, or a seat, as a booking would take it. Anybody may.

    It takes the locks of a booking, so that of two who want the last one, one gets it. What is over stands in nobody's way, and goes when
    the next hold of the event type comes. Raises `NoSuchEventType`, and what `bookings.find` raises.
    """
    found = offer(session, event_type_id)
    if found is None:
        raise NoSuchEventType
    place = bookings.find(session, found, wanted.start_time, wanted.instead_of)

    at, token, event_type = now(), secrets.token_urlsafe(24), place.offer.event_type
    kept = Hold(
        event_type_id=event_type_id,
        host_ids=list(place.hosts),
        start_time=place.slot.start,
        held=Range(
            place.slot.start - timedelta(minutes=event_type.buffer_before), place.slot.end + timedelta(minutes=event_type.buffer_after)
        ),
        token_hash=keyed.digest(bookings.HOLD, token),
        expires_at=at + KEPT,
    )
    later(session, delete(Hold).where(Hold.own(), Hold.event_type_id == event_type_id, Hold.expires_at <= at))
    bookings.release(session, wanted.instead_of)
    session.add(kept)
    return HoldRead(token=token, start_time=place.slot.start, end_time=place.slot.end, expires_at=kept.expires_at)


def forget(session: Session) -> int:
    """Delete what is over, in a sweep. Returns how many."""
    gone = session.execute(delete(Hold).where(Hold.expires_at <= now()))
    return gone.rowcount  # type: ignore[attr-defined, no-any-return]  # a DELETE's result has it
