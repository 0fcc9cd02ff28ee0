"""Whoever books shows that they read the address: by a code that was sent there, where the event type asks for it, and by itself where
more is booked than is usual in one address's name, from one network, or of one event type (`limits`).

The code is derived, and stored nowhere. The time is kept meanwhile, by a hold that also remembers where the code goes, for minutes.
"""

import hmac
import time
from uuid import UUID

from sqlalchemy.orm import Session

from parley.kernel.access.admission import RateLimitExceeded
from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.persistence import rate_limit_buckets
from parley.kernel.values import secret_hashes
from parley.kernel.values.errors import Conflict, Unprocessable
from parley.notifications.email import suppressions
from parley.scheduling.availability import day_quotas
from parley.scheduling.availability.inputs import BookableEventType
from parley.scheduling.bookings import booking_limits
from parley.scheduling.bookings.schemas import BookingFor

DIGITS = 6
WINDOW_SECONDS = 600
_PURPOSE = "proof of a booker's address"


class AddressProofNeeded(Conflict):
    """A code was sent to the address. The same request with it, and with the hold's token, books."""

    def __init__(self) -> None:
        super().__init__("A code was sent to this address: send the request again, with it as `address_proof`.")


class AddressProofWrong(Unprocessable):
    """This is not the code that was sent to the address, or too old."""

    def __init__(self) -> None:
        super().__init__("This code is not the one that was sent to the address, or too old; leave it out to get another one.")


def code(organization_id: UUID, address: str, *, windows_ago: int = 0) -> str:
    """What is sent to an address: valid for this window of ten minutes and the next one."""
    window = int(time.time()) // WINDOW_SECONDS - windows_ago
    number = int(secret_hashes.digest(_PURPOSE, f"{organization_id} {address.strip().lower()} {window}"), 16)
    return f"{number % 10**DIGITS:0{DIGITS}}"


def check(session: Session, caller: Caller, offer: BookableEventType, wanted: BookingFor) -> None:
    """Raises `AddressProofNeeded`, `AddressProofWrong`; not for members and keys."""
    if caller.actor_type is not ActorType.VISITOR:
        return
    if wanted.address_proof is not None:
        valid = [code(caller.organization_id, wanted.invitee.email, windows_ago=ago) for ago in (0, 1)]
        if not any(hmac.compare_digest(wanted.address_proof, proof) for proof in valid):
            raise AddressProofWrong
        suppressions.release(session, wanted.invitee.email)
    elif offer.event_type.requires_address_proof or (caller.dues is not None and caller.dues.is_more_than_usual):
        raise AddressProofNeeded


def unproven_network(caller: Caller, wanted: BookingFor) -> str | None:
    """The network of a stranger who proves no address, as a keyed hash; None for members, keys, and who proves it."""
    if caller.actor_type is not ActorType.VISITOR or caller.dues is None or caller.dues.is_unlimited or wanted.address_proof is not None:
        return None
    return caller.dues.network


def check_unproven_share(session: Session, caller: Caller, placement: day_quotas.SlotPlacement) -> None:
    """Whether this may be booked without a proof, as what is booked so of its day is. Raises `AddressProofNeeded`."""
    try:
        if day_quotas.check_unproven(placement):
            rate_limit_buckets.spend_within(session, *booking_limits.last_of_a_day(caller, placement.offer.event_type.id))
    except (day_quotas.DayMostlyUnproven, RateLimitExceeded) as refusal:
        raise AddressProofNeeded from refusal
