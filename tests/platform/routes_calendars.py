"""calendars: a request for each route, and the ids that its paths take."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from uuid import UUID

from parley.calendar_providers.provider_protocol import ProviderCalendar
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from parley.scheduling.calendar_connections import connection_rows
from parley.scheduling.calendar_connections.connection_rows import AuthorizedAccount
from parley.scheduling.tables.calendar_models import CalendarMethod, CalendarProvider

if TYPE_CHECKING:
    from tests.harness import Member, World
    from tests.platform.every_route import Request, SeededOrganization

CALENDARS = "/v1/scheduling/calendars"
_EMPTY = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Somebody//EN\r\nEND:VCALENDAR\r\n"


class _Address(BaseHTTPRequestHandler):
    """A calendar with nothing in it, at any path."""

    def do_GET(self) -> None:  # the standard library's name
        self.send_response(200)
        self.send_header("content-length", str(len(_EMPTY)))
        self.end_headers()
        self.wfile.write(_EMPTY)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@cache
def _server() -> str:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Address)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def wanted() -> dict[str, str]:
    return {"provider": "CUSTOM", "ics_url": f"{_server()}/{new_id()}.ics"}


def connected(member: Member) -> str:
    """Of the member's own. There is room for ten, and many a test asks for more."""
    account = AuthorizedAccount(
        provider=CalendarProvider.CUSTOM,
        method=CalendarMethod.ICS,
        account_id=str(new_id()),
        account_name="Holidays",
        calendars=[ProviderCalendar(id="calendar", name="Holidays")],
        secret=f"{_server()}/{new_id()}.ics",
    )
    with transactions.transaction(member.caller) as session:
        row, _ = connection_rows.connect(session, member.caller, member.user_id, account, most=1000)
        row.next_sync_at = None
    return str(row.id)


def _room_for_one_more(member: Member) -> None:
    """Takes away what there is."""
    for item in member.request("GET", CALENDARS, query={"limit": 100}).body["items"]:
        assert member.delete(f"{CALENDARS}/{item['id']}").status == 204


def _colleague(house: SeededOrganization) -> Member:
    """Whose calendars they are. No host: bookings of hosts with calendars ask them."""
    if "with_calendars" not in house.made:
        house.made["with_calendars"] = str(house.member.as_role("MEMBER").user_id)
    return house.world.member(house.member.organization_id, UUID(house.made["with_calendars"]), "MEMBER")


def requests(house: SeededOrganization) -> dict[str, Callable[[], Request]]:
    """By method and path as in the template: makes a new request of that route ready."""
    member = _colleague(house)

    def connection_request(method: str, after: str = "", body: Any = None) -> Callable[[], Request]:
        def ready() -> Request:
            path = f"{CALENDARS}/{connected(member)}{after}"
            return lambda: member.request(method, path, body)

        return ready

    def connect() -> Request:
        _room_for_one_more(member)
        body = wanted()
        return lambda: member.post(CALENDARS, body, {"idempotency-key": str(new_id())})

    return {
        "POST /v1/scheduling/calendars": connect,
        "GET /v1/scheduling/calendars": lambda: lambda: member.request("GET", CALENDARS, query={"limit": 100}),
        "GET /v1/scheduling/calendars/{calendar_connection_id}": connection_request("GET"),
        "GET /v1/scheduling/calendars/{calendar_connection_id}/calendars": connection_request("GET", "/calendars"),
        "PATCH /v1/scheduling/calendars/{calendar_connection_id}": connection_request("PATCH", "", {"busy_calendar_ids": ["calendar"]}),
        "DELETE /v1/scheduling/calendars/{calendar_connection_id}": connection_request("DELETE"),
        "POST /v1/scheduling/calendars/{calendar_connection_id}/sync": connection_request("POST", "/sync", {}),
    }


def things(member: Member, world: World) -> dict[str, str]:
    """One of everything in an organization, by the name of its path parameter."""
    return {"calendar_connection_id": connected(member)}


def _add_connections(house: SeededOrganization, count: int) -> None:
    for _ in range(count):
        connected(_colleague(house))


LISTS = {"GET /v1/scheduling/calendars": _add_connections}
BODIES: dict[str, Any] = {"calendars": {"provider": "CUSTOM", "ics_url": "https://calendar.example/holidays.ics"}}
"""What a POST, PUT or PATCH needs to reach the look-up of its ids, by the last part of its path."""
