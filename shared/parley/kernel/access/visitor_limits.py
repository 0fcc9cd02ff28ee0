"""What a visitor's request is counted for: by network always, by what it asks for where the route says so.

Every visitor has them (`request_context.visitor_of`). They are counted once, in the round trip with which the request's first transaction
begins; what made no transaction is counted before it is answered (`http.entrypoint`). So a public route has a limit by being one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from parley.kernel.access import rate_limits
from parley.kernel.access.rate_limits import RateLimit, Spending
from parley.kernel.values import networks, secret_hashes

READS_PER_NETWORK = RateLimit("requests", "requests from this network", most=300, seconds=100)
"""Of one network, on each route: a class that opens a page at once, each of them several times."""
WRITES_PER_NETWORK = RateLimit("changes", "requests from this network", most=60, seconds=600)
"""The same of a route that writes, or makes somebody else work: a class, each of them once, and some again."""

BY_ROUTE = {
    "POST /v1/scheduling/bookings": RateLimit("attempts", "attempts to book from this network", most=120, seconds=1200),
    "POST /{organization}/{event_type}": RateLimit("attempts", "attempts to book from this network", most=120, seconds=1200),
    "POST /v1/scheduling/event-types/{event_type_id}/holds": RateLimit("holds", "times held from this network", most=120, seconds=1200),
    "POST /v1/scheduling/routing-forms/{form_id}/submissions": WRITES_PER_NETWORK,
    "POST /v1/scheduling/managed-bookings/{token}/cancel": WRITES_PER_NETWORK,
    "POST /v1/scheduling/managed-bookings/{token}/reschedule": WRITES_PER_NETWORK,
    "POST /bookings/{token}": WRITES_PER_NETWORK,
    "POST /hosts/{token}": WRITES_PER_NETWORK,
    "POST /v1/auth/invitations/decline": WRITES_PER_NETWORK,
    "POST /invitations/{token}": WRITES_PER_NETWORK,
    "POST /links/{token}": WRITES_PER_NETWORK,
}
"""Which limit a public route has, by network, where `LOOKS` is not enough or too much."""


def network_spending(route: str, address: str | None) -> list[Spending]:
    """One request of a network to a route (`GET /{organization}`)."""
    limit = BY_ROUTE.get(route, READS_PER_NETWORK)
    return limit.of_networks(address, *([route] if limit in (READS_PER_NETWORK, WRITES_PER_NETWORK) else []))


def of_request(route: str, address: str | None) -> "VisitorLimits":
    """Those of one request. `UNLIMITED_NETWORKS` are counted nowhere: who watches over the product, and who tests its load."""
    is_unlimited = networks.contains_address(networks.from_setting("UNLIMITED_NETWORKS"), address)
    network = secret_hashes.digest("network of a visitor", rate_limits.network(address))
    return VisitorLimits(network, network_spending(route, address), is_unlimited=is_unlimited, is_counted=is_unlimited)


@dataclass(slots=True)
class VisitorLimits:
    """What is to be counted for one request, and what of that is only asked about: `is_more_than_usual` when that was all spent."""

    network: str
    """The keyed hash of the network, for what is the visitor's own and has no other name."""
    spending: list[Spending]
    asking: list[Spending] = field(default_factory=list)
    is_unlimited: bool = False
    is_counted: bool = False
    is_more_than_usual: bool = False

    def add(self, *spending: Spending) -> None:
        """What the request turned out to be about: to be refused where it is spent."""
        self.spending.extend(spending)

    def ask(self, *spending: Spending) -> None:
        """The same, of what nobody is refused for: who has spent it is asked for more than others (`is_more_than_usual`)."""
        self.asking.extend(spending)

    def take(self) -> Sequence[Spending]:
        """All of it, for who counts it now; nothing the second time."""
        if self.is_counted:
            return ()
        self.is_counted = True
        return (*self.spending, *self.asking)

    def bear(self, counted: Sequence[Spending], refused: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
        """Those of the refused places of `rate_limits.spending_query` for which the request is refused."""
        borne = {place for place, spent in enumerate(counted) if spent in self.asking}
        if any(place in borne for place, _ in refused):
            self.is_more_than_usual, self.is_counted, self.asking = True, False, []  # then nothing was spent: the rest is still due
        return [(place, wait) for place, wait in refused if place not in borne]
