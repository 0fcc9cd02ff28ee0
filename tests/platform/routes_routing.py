"""routing: a request for each route, and the ids that its paths take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.harness import Member, World
    from tests.platform.every_route import Furnished, Request


def requests(house: Furnished) -> dict[str, Callable[[], Request]]:
    """By method and path as in the template: makes a new request of that route ready."""
    return {}


def things(member: Member, world: World) -> dict[str, str]:
    """One of everything in an organization, by the name of its path parameter."""
    return {}


BODIES: dict[str, Any] = {}
"""What a POST, PUT or PATCH needs to reach the look-up of its ids, by the last part of its path."""
