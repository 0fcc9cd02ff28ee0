"""What happens where somebody has to prove an address first: the time is kept, and the code goes out."""

from collections.abc import Iterator
from contextlib import contextmanager

from parley.kernel.access.callers import Caller
from parley.kernel.persistence import outbox
from parley.kernel.persistence.transactions import transaction
from parley.notifications import languages
from parley.scheduling.availability.inputs import EventTypeRef
from parley.scheduling.bookings import booking_limits, holds
from parley.scheduling.bookings.address_proofs import AddressProofNeeded
from parley.scheduling.bookings.schemas import BookingFor, HoldCreate

PROOF_ASKED = "scheduling.address_proof_asked"


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
            kept = holds.create_hold(session, event_type, hold, proof_email=wanted.invitee.email)
            locale = wanted.invitee.locale or languages.accepted(caller.accept_language)
            outbox.announce(session, PROOF_ASKED, hold_id=kept.id, locale=locale)
        needed.extensions |= {"hold_token": kept.token, "expires_at": kept.expires_at.isoformat()}
        raise
