"""What one network may do with one event type, and what may be done in one address's name: beside `kernel.access.visitor_limits`.

Bookings are not refused for being many: who books more than is usual proves the address first (`address_proofs`).
"""

from uuid import UUID

from parley.kernel.access.callers import Caller
from parley.kernel.access.rate_limits import RateLimit, Spending
from parley.notifications.limits.quotas import mailbox
from parley.scheduling.bookings.schemas import BookingFor

HOUR, DAY = 60 * 60, 24 * 60 * 60
ATTEMPTS_FROM_NETWORK = RateLimit("attempts", "attempts to book from this network", most=120, seconds=1200)
"""Of the API and the booking page together."""
HOLDS_FROM_NETWORK = RateLimit("holds", "times held from this network", most=120, seconds=1200)
HOLDS = RateLimit(
    "holds_of_event_type_from_network", "times of this event type held from this network", most=6, seconds=300, is_settable=True
)
"""So few are kept by one network at a time; a hold is kept for five minutes."""
HOLDS_OF_EVENT_TYPE = RateLimit("holds_of_event_type", "times of this event type held", most=120, seconds=300)

OF_ADDRESS = RateLimit("bookings_of_address", "bookings in the name of this address", most=5, seconds=DAY, is_settable=True)
FROM_NETWORK = RateLimit("bookings_from_network", "bookings from this network", most=60, seconds=HOUR, is_settable=True)
OF_EVENT_TYPE = RateLimit("bookings_of_event_type", "bookings of this event type", most=120, seconds=HOUR)
"""What is usual without a proof of the address: a class of forty behind one network books at once."""

LAST = RateLimit("last_of_a_day", "bookings of the last time of a day", most=5, seconds=DAY)
LAST_FROM_NETWORK = RateLimit("last_of_a_day_from_network", "bookings of the last time of a day from this network", most=2, seconds=DAY)
"""Of an event type: of days that have room for one, all of them would be a stranger's."""

PROVED = RateLimit("proved_bookings_of_address", "bookings in the name of this address", most=20, seconds=DAY)
TRIES = RateLimit("codes_tried", "codes tried for this address", most=10, seconds=HOUR)
TRIES_OF_ADDRESS = RateLimit("codes_tried_of_address", "codes tried for this address", most=30, seconds=HOUR)
CODES = RateLimit("codes_sent", "codes sent to this address", most=5, seconds=HOUR)
CODES_OF_DAY = RateLimit("codes_sent_in_a_day", "codes sent to this address", most=10, seconds=DAY)
CODES_FROM_NETWORK = RateLimit("codes_sent_from_network", "codes sent from this network", most=60, seconds=HOUR)


def hold(visitor: Caller, event_type_id: UUID) -> None:
    """One more time of an event type that a visitor wants to have kept."""
    if visitor.dues is not None:
        visitor.dues.add(*HOLDS.of_networks(visitor.ip_address, event_type_id), HOLDS_OF_EVENT_TYPE.of(event_type_id))


def booking(visitor: Caller, wanted: BookingFor, *event_type: object) -> None:
    """One more booking that a visitor wants: with a code it is counted as a try, without one as what is usual or more."""
    address = mailbox(wanted.invitee.email)
    if visitor.dues is None:
        return
    if wanted.address_proof is not None:
        tries = TRIES.of_networks(visitor.ip_address, address)
        visitor.dues.add(*tries, TRIES_OF_ADDRESS.of_person(address), PROVED.of_person(address))
    else:
        networks = FROM_NETWORK.of_networks(visitor.ip_address)
        visitor.dues.ask(OF_ADDRESS.of_person(address), *networks, OF_EVENT_TYPE.of(visitor.organization_id, *event_type))


def last_of_a_day(visitor: Caller, event_type_id: UUID) -> list[Spending]:
    """One more day whose last time is booked without a proof of the address."""
    return [LAST.of(event_type_id), *LAST_FROM_NETWORK.of_networks(visitor.ip_address, event_type_id)]


def proof(visitor: Caller, address: str) -> list[Spending]:
    """One more code that is sent because of a visitor."""
    if visitor.dues is not None and visitor.dues.is_unlimited:
        return []
    to = mailbox(address)
    return [CODES.of_person(to), CODES_OF_DAY.of_person(to), *CODES_FROM_NETWORK.of_networks(visitor.ip_address)]
