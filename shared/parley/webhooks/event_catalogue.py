"""The events that are told outside: their public names, and which events of the bus each of them comes from.

Domains declare them (`PublicEvent`), and they are gathered when they are first asked for. An event of the bus that stands there for nothing
is nobody's business outside.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from parley.domains import gather
from parley.kernel.values.declarations import PublicEvent


@cache
def catalogue() -> dict[str, PublicEvent]:
    """By public name."""
    return {event.name: event for event in gather(PublicEvent)}


def sources() -> frozenset[str]:
    """What the bus brings us."""
    return frozenset(source for event in catalogue().values() for source in event.sources)


def patterns() -> frozenset[str]:
    """What can be subscribed to: an event, all of a thing (`booking.*`), all of a domain (`scheduling.*`), or all, present and future."""
    parts = {part for name, event in catalogue().items() for part in (name.split(".")[0], event.domain)}
    return frozenset({"*"} | set(catalogue()) | {f"{part}.*" for part in parts})


def covers(patterns: Iterable[str], name: str) -> bool:
    """Whether one who subscribed to `patterns` hears of this event."""
    return bool({"*", name, f"{name.split('.', maxsplit=1)[0]}.*", f"{catalogue()[name].domain}.*"}.intersection(patterns))


def events_of(source: str, payload: dict[str, Any]) -> list[PublicEvent]:
    """What an event of the bus is told as; nothing for one that is not told outside."""
    meant = [event for event in catalogue().values() if source in event.sources and payload.get(event.entity)]
    return [event for event in meant if event.matches is None or event.matches(payload)]
