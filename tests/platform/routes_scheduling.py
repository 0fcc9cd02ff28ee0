"""scheduling: a request for each route, and the ids that its paths take."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select, update

from parley.identity.models import Organization
from parley.kernel.access.callers import system
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from parley.scheduling.tables.booking_models import Booking, BookingHost
from parley.scheduling.tables.event_type_models import EventType

if TYPE_CHECKING:
    from tests.harness import Member, World
    from tests.platform.every_route import Request, SeededOrganization

BOOKINGS = "/v1/scheduling/bookings"
TYPES = "/v1/scheduling/event-types"
SCHEDULES = "/v1/scheduling/schedules"
POOLS = "/v1/scheduling/pools"
INVITEES = "/v1/scheduling/invitees"
MANAGED = "/v1/scheduling/managed-bookings"


class Ready:
    """Makes requests ready in a furnished organization."""

    def __init__(self, house: SeededOrganization) -> None:
        self.house, self.member, self.stranger = house, house.member, house.stranger
        self._verbs = itertools.cycle(("confirm", "decline", "cancel", "no-show", "complete"))

    def post(self, path: str, wanted: Any = None, *, by_stranger: bool = False) -> Request:
        headers, who = {"idempotency-key": str(new_id())}, self.stranger if by_stranger else self.member
        return lambda: who.post(path, wanted, headers)

    def get(self, path: str, **query: Any) -> Request:
        return lambda: self.member.request("GET", path, query=query)

    def patch(self, path: str, wanted: Any) -> Request:
        return lambda: self.member.patch(path, wanted)

    def delete(self, path: str) -> Request:
        return lambda: self.member.delete(path)

    def changed(self, verb: str, booking: str, wanted: Any = None) -> Request:
        return self.post(f"{BOOKINGS}/{booking}/{verb}", wanted)

    def move(self) -> dict[str, str]:
        return {"start_time": self.house.start().isoformat()}

    def pool(self, *others: UUID) -> str:
        hosts = [{"user_id": str(user_id)} for user_id in (self.member.user_id, *others)]
        return _id(self.member.post(POOLS, {"name": "Sales", "strategy": "ROTATE", "hosts": hosts}))

    def booked(self, event_type: str) -> str:
        return _id(self.stranger.post(BOOKINGS, self.house.booking_wanted() | {"event_type_id": event_type}))

    def invited(self) -> str:
        """The address of somebody who was booked in."""
        email = f"{new_id()}@visitor.example"
        wanted = self.house.booking_wanted()
        _id(self.stranger.post(BOOKINGS, wanted | {"invitee": wanted["invitee"] | {"email": email}}))
        return email

    def invitee(self) -> str:
        bookings = self.member.get(BOOKINGS, invitee_email=self.invited()).body["items"]
        return str(bookings[0]["invitee"]["id"])

    def pending(self) -> str:
        return self.booked(self.house.add_event_type(requires_confirmation=True))

    def past(self) -> str:
        return long_ago(self.member, self.house.add_booking())

    def any_change(self) -> Request:
        """Each in its turn."""
        verb = next(self._verbs)
        of = {
            "confirm": self.pending,
            "decline": self.pending,
            "no-show": self.past,
            "complete": self.past,
            "cancel": self.house.add_booking,
        }
        return self.changed(verb, of[verb]())

    def reassign(self) -> Request:
        pool = self.pool(self.member.as_role("MEMBER").user_id)
        return self.changed("reassign", self.booked(self.house.add_event_type(kind="ROUND_ROBIN", pool_id=pool)))

    def managed(self) -> Request:
        path = f"{MANAGED}/{self.house.management_token(self.house.add_booking())}/reschedule"
        return self.post(path, self.move(), by_stranger=True)

    def book(self) -> Request:
        wanted = {name: value for name, value in self.house.booking_wanted().items() if name != "event_type_id"}
        return self.post(f"{TYPES}/{self.house.event_type}/bookings", wanted)

    def link(self) -> Request:
        with transactions.transaction(system(self.member.organization_id)) as session:
            query = select(Organization.slug, EventType.slug).join(EventType, EventType.organization_id == Organization.id)
            organization, event_type = session.execute(query.where(EventType.id == UUID(self.house.event_type))).one()
        return lambda: self.stranger.get(f"/v1/scheduling/links/{organization}/{event_type}")

    def counts(self) -> Request:
        now = datetime.now(UTC)
        return self.get("/v1/scheduling/booking-counts", **{"from": now.isoformat(), "to": (now + timedelta(days=31)).isoformat()})


def requests(house: SeededOrganization) -> dict[str, Callable[[], Request]]:
    """By method and path as in the template: makes a new request of that route ready."""
    ready = Ready(house)
    return {
        "POST /v1/scheduling/bookings/{booking_id}/{change}": ready.any_change,
        "POST /v1/scheduling/bookings/{booking_id}/reschedule": lambda: ready.changed("reschedule", house.add_booking(), ready.move()),
        "POST /v1/scheduling/bookings/{booking_id}/reassign": ready.reassign,
        "POST /v1/scheduling/managed-bookings/{token}/reschedule": ready.managed,
        "POST /v1/scheduling/event-types/{event_type_id}/bookings": ready.book,
        "POST /v1/scheduling/event-types/{event_type_id}/holds": lambda: ready.post(
            f"{TYPES}/{house.event_type}/holds", ready.move(), by_stranger=True
        ),
        "GET /v1/scheduling/links/{organization_slug}/{event_type_slug}": ready.link,
        "GET /v1/scheduling/bookings.csv": lambda: ready.get(f"{BOOKINGS}.csv"),
        "GET /v1/scheduling/booking-counts": ready.counts,
        "PATCH /v1/scheduling/schedules/{schedule_id}": lambda: ready.patch(f"{SCHEDULES}/{house.schedule}", {"name": "Still always"}),
        "DELETE /v1/scheduling/schedules/{schedule_id}": lambda: ready.delete(f"{SCHEDULES}/{house.add_schedule()}"),
        "PATCH /v1/scheduling/event-types/{event_type_id}": lambda: ready.patch(f"{TYPES}/{house.event_type}", {"color": "#00ff00"}),
        "DELETE /v1/scheduling/event-types/{event_type_id}": lambda: ready.delete(f"{TYPES}/{house.add_event_type()}"),
        "DELETE /v1/scheduling/invitees/{invitee_id}": lambda: ready.delete(f"{INVITEES}/{ready.invitee()}"),
        "POST /v1/scheduling/invitees/erase": lambda: ready.post(f"{INVITEES}/erase", {"email": ready.invited()}),
        "POST /v1/scheduling/pools": lambda: ready.post(POOLS, {"name": "Sales", "strategy": "ROTATE"}),
        "GET /v1/scheduling/pools": lambda: ready.get(POOLS, limit=100),
        "GET /v1/scheduling/pools/{pool_id}": lambda: ready.get(f"{POOLS}/{ready.pool()}"),
        "PATCH /v1/scheduling/pools/{pool_id}": lambda: ready.patch(f"{POOLS}/{ready.pool()}", {"name": "Support", "hosts": []}),
        "DELETE /v1/scheduling/pools/{pool_id}": lambda: ready.delete(f"{POOLS}/{ready.pool()}"),
    }


def _id(answer: Any) -> str:
    assert answer.status == 201, (answer.status, answer.raw)
    return str(answer.body["id"])


def long_ago(member: Member, booking: str, days: int = 60) -> str:
    """A booking as if it had been of some weeks before."""
    by, held = timedelta(days=days), BookingHost.held
    with transactions.transaction(system(member.organization_id)) as session:
        times = {"start_time": Booking.start_time - by, "end_time": Booking.end_time - by}
        session.execute(update(Booking).where(Booking.id == booking).values(times))
        back = func.tstzrange(func.lower(held) - by, func.upper(held) - by)
        statement = update(BookingHost).where(BookingHost.booking_id == booking)
        session.execute(statement.values(start_time=BookingHost.start_time - by, held=back))
    return booking


def _add_pools(house: SeededOrganization, count: int) -> None:
    for _ in range(count):
        Ready(house).pool()


LISTS = {"GET /v1/scheduling/pools": _add_pools}
NO_LISTS = {f"{BOOKINGS}.csv", "/v1/scheduling/booking-counts"}


def things(member: Member, world: World) -> dict[str, str]:
    """One of everything in an organization, by the name of its path parameter."""
    with transactions.transaction(member.caller) as session:
        invitee = session.scalars(select(Booking.invitee_id).limit(1)).one()
    return {"pool_id": _id(member.post(POOLS, {"name": "Sales", "strategy": "ROTATE"})), "invitee_id": str(invitee)}


WORDS = {"change": "confirm"}
"""Parts of paths that are no ids."""

BODIES: dict[str, Any] = {
    "erase": {"email": "grace@visitor.example"},
    "reschedule": {"start_time": "2030-01-07T10:00:00Z"},
    "bookings": {
        "start_time": "2030-01-07T10:00:00Z",
        "invitee": {"email": "grace@visitor.example", "name": "Grace Hopper", "timezone": "Europe/Berlin"},
    },
}
"""What a POST, PUT or PATCH needs to reach the look-up of its ids, by the last part of its path."""
