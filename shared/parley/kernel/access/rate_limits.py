"""How often something may be done: by one network, to one address, with one host. Exact over all execution environments.

A limit is a bucket of `most` that fills again within `seconds`; what it counts are subjects (GCRA, the generic cell rate algorithm of
ATM Forum TM 4.1, kept as one instant a subject: the time at which its bucket is full again). The database's clock alone counts. All the
subjects of one question are spent together or not at all, in a transaction of their own that commits at once, so a refusal costs
nothing, a retry prolongs nothing, and those who are refused do not wait for others' work.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from parley.kernel.access.admission import RateLimitExceeded
from parley.kernel.values.secret_hashes import digest
from parley.kernel.values.settings import setting

WIDER = 8
"""So many times as much as a /64 of IPv6 has a /48."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`most` at once, and as many again within `seconds`. `what` is said to who is refused: "bookings from this network".

    `is_settable`: the organization whose transaction counts it may have another number (`organizations.visitor_limits`), which is read in
    the same statement. `times` as much as one network has a wider one.
    """

    name: str
    what: str
    most: int
    seconds: float
    is_settable: bool = False
    times: int = 1

    def most_within(self, seconds: float) -> int:
        """How many pass at most within any span of so many seconds: a full bucket, and what comes in meanwhile."""
        return self.most + math.ceil(self.most * seconds / self.seconds) - 1

    def of(self, *subject: object) -> "Spending":
        """One more of a subject that is no secret: ids, words of ours."""
        return Spending(self, hashlib.sha256("\0".join((self.name, *map(str, subject))).encode()).hexdigest())

    def of_person(self, *subject: object) -> "Spending":
        """One more of a subject that tells of somebody, as an address does: its hash is keyed."""
        return Spending(self, digest(f"limit {self.name}", "\0".join(map(str, subject))))

    def of_network(self, address: str | None, *subject: object) -> "Spending":
        """One more from a network: an IPv4 address, or the /64 of an IPv6 address, which is what one customer has."""
        return self.of_person(network(address), *subject)

    def of_networks(self, address: str | None, *subject: object) -> "list[Spending]":
        """The same, and of IPv6 once more from the /48 around it, `WIDER` times as much: some have all of its 65,536 networks."""
        near, wide = self.of_network(address, *subject), wide_network(address)
        return [near] if wide is None else [near, replace(self, times=self.times * WIDER).of_person(wide, *subject)]


@dataclass(frozen=True, slots=True)
class Spending:
    """A limit and the hash of what it counts this time."""

    limit: "RateLimit"
    subject: str


def network(address: str | None) -> str:
    """The network that an address of a client stands for."""
    client = _client(address)
    return str(ip_network(f"{client}/64", strict=False)) if client.version == 6 else str(client)


def wide_network(address: str | None) -> str | None:
    """The /48 that an IPv6 address lies in: the most that one customer is given (RFC 6177)."""
    client = _client(address)
    return str(ip_network(f"{client}/48", strict=False)) if client.version == 6 else None


def _client(address: str | None) -> IPv4Address | IPv6Address:
    client = ip_address(address or "0.0.0.0")  # noqa: S104  # no address at all
    return client.ipv4_mapped or client if isinstance(client, IPv6Address) else client


def spending_query(spending: Sequence[Spending]) -> str:
    """The SELECT that spends: no row where all of it was there, else the place of what was not, and in how many seconds it is.

    Its parts are hashes and numbers of ours: a client wrote none of them.
    """
    factor = float(setting("RATE_LIMIT_FACTOR", "1"))
    unique = {charge.subject: (position, charge) for position, charge in reversed(list(enumerate(spending)))}
    rows = sorted((subject, position, charge.limit) for subject, (position, charge) in unique.items())
    subjects = ",".join(f"'{bytes.fromhex(subject).hex()}'" for subject, _, _ in rows)
    places = ",".join(str(int(position)) for _, position, _ in rows)
    spans = ",".join(repr(float(limit.seconds)) for _, _, limit in rows)
    most = ",".join(_most(limit, factor) for _, _, limit in rows)
    return f"SELECT * FROM spend_rate_limits(ARRAY[{subjects}], ARRAY[{places}], ARRAY[{spans}]::float8[], ARRAY[{most}])"  # noqa: S608


def _most(limit: "RateLimit", factor: float) -> str:
    usual = str(max(1, int(limit.most * factor)))
    if limit.is_settable:
        usual = f"visitor_limit('{limit.name}', {usual})"
    return f"{limit.times} * {usual}" if limit.times > 1 else usual


def raise_if_exceeded(spending: Sequence[Spending], rows: Sequence[tuple[int, float]]) -> None:
    """Take the database's answer. Raises `RateLimitExceeded`, with Retry-After."""
    if not rows:
        return
    position, wait = max(rows, key=lambda row: row[1])
    limit, seconds = spending[position].limit, max(math.ceil(wait), 1)
    refusal = RateLimitExceeded(f"Too many {limit.what}; wait {seconds} s, then try again.", limit=limit.name)
    refusal.headers = {"retry-after": str(seconds)}
    raise refusal
