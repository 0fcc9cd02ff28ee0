"""calendars at Google and Microsoft: a request for each route, and the ids that its paths take."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select, update

from parley.kernel.access.callers import system
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.scheduling.calendars.push_channels import PushChannel
from parley.scheduling.tables.calendar_models import CalendarConnection, ConnectedCalendar

if TYPE_CHECKING:
    from tests.harness import Member, World
    from tests.platform.every_route import Request, SeededOrganization

CONNECT = "/v1/scheduling/calendars/connect"
PUSH = "/v1/scheduling/calendars/push"


def requests(house: SeededOrganization) -> dict[str, Callable[[], Request]]:
    """By method and path as in the template: makes a new request of that route ready."""
    from tests.identity.providers.browser_client import CookieBrowser
    from tests.scheduling.providers.google_server import standing

    google, member, stranger = standing(os.environ["PUBLIC_URL"]), house.member.as_role("MEMBER"), house.stranger
    os.environ["CALENDAR_PROVIDERS"] = json.dumps({"google": google.settings()})

    def back() -> Request:
        """A browser on its way back from the provider."""
        # A colleague each time, with room for one more, and no host: bookings of hosts with calendars ask them.
        member = house.member.as_role("MEMBER")
        browser = CookieBrowser(house.world, os.environ["PUBLIC_URL"], google.someone().subject)
        begun = browser.step("POST", f"{CONNECT}/google", b"{}", token=member.token, kind="application/json")
        where = browser.step("GET", begun.body["authorization_url"]).headers["location"]
        return lambda: browser.step("GET", where)

    def channel() -> PushChannel:
        """Of a calendar that is connected, its connection at rest."""
        if "calendar_connection" not in house.made:
            house.made["calendar_connection"] = str(back()().body["id"])
        connection = UUID(house.made["calendar_connection"])
        with transactions.transaction(system(member.organization_id)) as session:
            rest = {"next_sync_at": now() + timedelta(hours=1)}
            session.execute(update(CalendarConnection).where(CalendarConnection.id == connection).values(rest))
            calendar = session.scalars(select(ConnectedCalendar.id).where(ConnectedCalendar.connection_id == connection)).one()
        return PushChannel.new(member.organization_id, calendar)

    def from_google() -> Request:
        made = channel()
        headers = {"x-goog-channel-id": made.name, "x-goog-channel-token": made.secret, "x-goog-resource-state": "exists"}
        return lambda: stranger.request("POST", f"{PUSH}/google/{made.name}", b"", headers)

    def from_microsoft() -> Request:
        made = channel()
        return lambda: stranger.post(f"{PUSH}/microsoft/{made.name}", {"value": [{"clientState": made.secret, "changeType": "updated"}]})

    return {
        f"POST {CONNECT}/{{provider}}": lambda: lambda: member.post(f"{CONNECT}/google"),
        f"GET {CONNECT}/{{provider}}/callback": back,
        f"POST {PUSH}/google/{{channel}}": from_google,
        f"POST {PUSH}/microsoft/{{channel}}": from_microsoft,
    }


def things(member: Member, world: World) -> dict[str, str]:
    """One of everything in an organization, by the name of its path parameter."""
    return {}


BODIES: dict[str, Any] = {}
"""What a POST, PUT or PATCH needs to reach the look-up of its ids, by the last part of its path."""
