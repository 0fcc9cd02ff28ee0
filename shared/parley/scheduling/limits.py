"""What one network may do with one event type, and what may be done in one address's name: beside the limits of `kernel.dues`."""

from uuid import UUID

from parley.kernel.callers import Caller
from parley.kernel.rate_limits import RateLimit

HOLDS = RateLimit("holds_of_event_type_from_network", "times of this event type held from this network", most=6, seconds=300)
"""So few are kept by one network at a time; a hold is kept for five minutes."""
HOLDS_OF_EVENT_TYPE = RateLimit("holds_of_event_type", "times of this event type held", most=120, seconds=300)


def hold(visitor: Caller, event_type_id: UUID) -> None:
    """One more time of an event type that a visitor wants to have kept."""
    if visitor.dues is not None:
        visitor.dues.add(HOLDS.of_network(visitor.ip_address, event_type_id), HOLDS_OF_EVENT_TYPE.of(event_type_id))
