"""Holds: a slot kept for somebody who is filling in the form, or has to prove an address first."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.persistence import outbox
from parley.kernel.persistence.transactions import transaction
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values import secret_hashes
from parley.kernel.values.clock import now, of_database
from parley.kernel.values.ids import new_id
from parley.notifications.localization import languages
from parley.scheduling.availability import day_quotas
from parley.scheduling.availability.inputs import EventTypeRef, NoSuchEventType, bookable_event_type
from parley.scheduling.availability.slot_calculation import Slot
from parley.scheduling.bookings import booking_limits, booking_service
from parley.scheduling.bookings.address_proofs import AddressProofNeeded
from parley.scheduling.bookings.schemas import BookingFor, HoldCreate, HoldRead
from parley.scheduling.declared import SchedulingEvent
from parley.scheduling.tables.booking_models import Hold

KEPT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class CreatedHold:
    """A hold as it was made, with the secret that is stored nowhere."""

    id: UUID
    token: str
    slot: Slot
    expires_at: datetime


def hold_slot(session: Session, event_type_id: UUID, wanted: HoldCreate) -> HoldRead:
    """Keep a slot for five minutes: of one host's time, everybody's, or a seat, as a booking would take it. Anybody may.

    It takes the locks of a booking, so that of two who want the last one, one gets it. What is over stands in nobody's way, and goes when
    the next hold of the event type comes. Raises `NoSuchEventType`, `DayMostlyHeld`, and what `booking_service.find_slot` raises.
    """
    kept = create_hold(session, event_type_id, wanted)
    return HoldRead(token=kept.token, start_time=kept.slot.start, end_time=kept.slot.end, expires_at=kept.expires_at)


def create_hold(session: Session, event_type_id: EventTypeRef, wanted: HoldCreate, *, proof_email: str | None = None) -> CreatedHold:
    """The same; for who has to prove an address first, with it, and where the day is mostly held without keeping the time."""
    offer = bookable_event_type(session, event_type_id)
    if offer is None:
        raise NoSuchEventType
    day = day_quotas.day_of(offer.timezone, wanted.start_time)
    placement = booking_service.find_slot(session, offer, wanted.start_time, wanted.instead_of, around=day)
    hosts = list(placement.hosts)
    try:
        day_quotas.check_hold(placement.offer, placement.conflicts, placement.slot, hosts)
    except day_quotas.DayMostlyHeld:
        if proof_email is None:
            raise
        hosts = []

    at, token, event_type = now(), secrets.token_urlsafe(24), placement.offer.event_type
    kept = Hold(
        id=new_id(),
        event_type_id=event_type.id,
        proof_email=proof_email,
        host_ids=hosts,
        start_time=placement.slot.start,
        held=Range(
            placement.slot.start - timedelta(minutes=event_type.buffer_before),
            placement.slot.end + timedelta(minutes=event_type.buffer_after),
        ),
        token_hash=secret_hashes.digest(booking_service.HOLD, token),
        expires_at=at + KEPT,
    )
    execute_later(session, delete(Hold).where(Hold.own(), Hold.event_type_id == event_type.id, Hold.expires_at <= at))
    booking_service.release_hold(session, wanted.instead_of)
    session.add(kept)
    return CreatedHold(kept.id, token, placement.slot, kept.expires_at)


def delete_expired(session: Session) -> int:
    """Delete what is over, in a sweep. Returns how many."""
    result = session.execute(delete(Hold).where(Hold.expires_at <= of_database()))
    return result.rowcount  # type: ignore[attr-defined, no-any-return]  # a DELETE's result has it


@contextmanager
def request_proof(caller: Caller, event_type: EventTypeRef, wanted: BookingFor, *name: object) -> Iterator[None]:
    """Count a booking of the event type (by `name`, where its id is not known yet), made here. Where it needs a proof, keep the time, have
    the code sent, and raise `AddressProofNeeded` with the hold's token."""
    booking_limits.booking(caller, wanted, *(name or (event_type,)))
    try:
        yield
    except AddressProofNeeded as needed:
        with transaction(caller, spending=booking_limits.proof(caller, wanted.invitee.email)) as session:
            hold = HoldCreate(start_time=wanted.start_time, instead_of=wanted.hold_token)
            kept = create_hold(session, event_type, hold, proof_email=wanted.invitee.email)
            locale = wanted.invitee.locale or languages.accepted(caller.accept_language)
            outbox.announce(session, SchedulingEvent.ADDRESS_PROOF_ASKED, hold_id=kept.id, locale=locale)
        needed.extensions |= {"hold_token": kept.token, "expires_at": kept.expires_at.isoformat()}
        raise
