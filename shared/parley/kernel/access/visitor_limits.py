"""What a visitor's request is counted for: by network always, by what it asks for where its domain says so.

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


def network_spending(route: str, address: str | None, limit: RateLimit | None = None) -> list[Spending]:
    """One request of a network to a route (`GET /{organization}`): by the limit that the route declares, if it does.

    A limit that several routes declare counts them together, but for the two of this module.
    """
    limit = limit or READS_PER_NETWORK
    return limit.of_networks(address, *([route] if limit in (READS_PER_NETWORK, WRITES_PER_NETWORK) else []))


def of_request(route: str, address: str | None, limit: RateLimit | None = None) -> "RequestSpending":
    """Those of one request. `UNLIMITED_NETWORKS` are counted nowhere: who watches over the product, and who tests its load."""
    is_unlimited = networks.contains_address(networks.from_setting("UNLIMITED_NETWORKS"), address)
    network = secret_hashes.digest("network of a visitor", rate_limits.network(address))
    return RequestSpending(network, network_spending(route, address, limit), is_unlimited=is_unlimited, is_counted=is_unlimited)


@dataclass(slots=True)
class RequestSpending:
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
        borne = {index for index, spent in enumerate(counted) if spent in self.asking}
        if any(index in borne for index, _ in refused):
            self.is_more_than_usual, self.is_counted, self.asking = True, False, []  # then nothing was spent: the rest is still due
        return [(index, wait) for index, wait in refused if index not in borne]
