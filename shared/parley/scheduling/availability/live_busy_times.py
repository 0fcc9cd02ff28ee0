"""What is known of hosts' calendars while something is booked."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


class LiveCheckNeeded(Exception):
    """Not an error: these hosts' calendars should be asked about this time before they are booked."""

    def __init__(self, hosts: Iterable[UUID], start: datetime, end: datetime) -> None:
        super().__init__()
        self.hosts, self.start, self.end = list(hosts), start, end


@dataclass(frozen=True, slots=True)
class LiveBusyTimes:
    """`busy` by host, of the `connections` that answered: what is stored of those is of no interest `during` what was asked. None
    asked yet: not `is_asked`."""

    is_asked: bool = False
    connections: frozenset[UUID] = frozenset()
    busy: dict[UUID, list[tuple[datetime, datetime]]] = field(default_factory=dict)
    during: tuple[datetime, datetime] | None = None
