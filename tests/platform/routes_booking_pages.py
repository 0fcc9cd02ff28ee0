"""booking_pages: a request for each route, and the ids that its paths take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from parley.kernel.values.ids import new_id
from parley.scheduling.bookings.host_links import HostKey

if TYPE_CHECKING:
    from tests.harness import Member, World
    from tests.platform.every_route import Request, SeededOrganization


def page_of(house: SeededOrganization) -> str:
    """The path of the furnished event type's page."""
    url = house.stranger.get(f"/v1/scheduling/event-types/{house.event_type}/public").body["url"]
    return "/" + "/".join(str(url).split("/")[3:])


def requests(house: SeededOrganization) -> dict[str, Callable[[], Request]]:
    """By method and path as in the template: makes a new request of that route ready."""
    path = page_of(house)

    def book() -> Request:
        form = {
            "time": house.start().isoformat(),
            "timezone": "Europe/Berlin",
            "name": "Grace Hopper",
            "email": "grace@visitor.example",
            "utm_source": "letter",
            "once": str(new_id()),
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return lambda: house.stranger.request("POST", path, urlencode(form).encode(), headers)

    def hosted(method: str) -> Request:
        link = HostKey(house.member.organization_id, UUID(house.add_booking()), house.member.user_id).path
        headers = {"content-type": "application/x-www-form-urlencoded"} if method == "POST" else {}
        return lambda: house.stranger.request(method, link, b"action=cancel" if method == "POST" else None, headers)

    return {
        "GET /{organization}": lambda: lambda: house.stranger.get("/" + path.split("/")[1]),
        "GET /{organization}/{event_type}": lambda: lambda: house.stranger.get(path, timezone="Pacific/Apia"),
        "POST /{organization}/{event_type}": book,
        "GET /hosts/{token}": lambda: hosted("GET"),
        "POST /hosts/{token}": lambda: hosted("POST"),
        "GET /embed.js": lambda: lambda: house.stranger.get("/embed.js"),
    }


def things(member: Member, world: World) -> dict[str, str]:
    """One of everything in an organization, by the name of its path parameter."""
    return {}


BODIES: dict[str, Any] = {}
"""What a POST, PUT or PATCH needs to reach the look-up of its ids, by the last part of its path."""
