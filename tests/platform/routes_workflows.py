"""workflows: a request for each route, and the ids that its paths take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.kernel.access.callers import system
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from parley.notifications.enums import NotificationStatus
from parley.notifications.models import NotificationLog
from parley.scheduling.notifications import address_agreements
from parley.scheduling.tables.workflow_models import AddressAgreement

if TYPE_CHECKING:
    from tests.harness import Member, World
    from tests.platform.every_route import Request, SeededOrganization

WORKFLOWS = "/v1/scheduling/workflows"
LOG = "/v1/scheduling/notifications"
WANTED = {
    "name": "The day before",
    "trigger": "BEFORE_MEETING",
    "minutes_before": 1440,
    "channel": "EMAIL",
    "subject": "See you, {{invitee.first_name}}",
    "body": "Until {{booking.start}}.",
}
HOOK = {"name": "Told", "trigger": "BOOKING_CREATED", "channel": "WEBHOOK", "url": "https://8.8.8.8/hook"}


def workflow_of(member: Member, **other: Any) -> str:
    return _id(member.post(WORKFLOWS, (HOOK if other.get("channel") == "WEBHOOK" else WANTED) | other), 201)


def notification_of(member: Member) -> str:
    """A message that failed."""
    notification_id = _id(member.post(f"{WORKFLOWS}/{workflow_of(member)}/test"), 202)
    with transactions.transaction(system(member.organization_id)) as session:
        fail(session, notification_id)
    return notification_id


def agreement_of(member: Member) -> str:
    """The secret of an address that was asked."""
    workflow_of(member, addresses=[f"{new_id()}@desk.example"])
    with transactions.transaction(member.caller) as session:
        newest = select(AddressAgreement).order_by(AddressAgreement.id.desc()).limit(1)
        return address_agreements.token(session.scalars(newest).one())


def fail(session: Session, notification_id: str) -> None:
    statement = update(NotificationLog).where(NotificationLog.id == notification_id)
    session.execute(statement.values(status=NotificationStatus.FAILED, error_message="Throttled"))


def _id(answer: Any, status: int) -> str:
    assert answer.status == status, (answer.status, answer.raw)
    return str(answer.body["id"])


def requests(house: SeededOrganization) -> dict[str, Callable[[], Request]]:
    """By method and path as in the template: makes a new request of that route ready."""
    member = house.member

    def post(path: str, wanted: Any = None) -> Request:
        headers = {"idempotency-key": str(new_id())}
        return lambda: member.post(path, wanted, headers)

    def at(method: str, path: str, wanted: Any = None) -> Request:
        return lambda: member.request(method, path, wanted)

    def page(method: str) -> Request:
        path, form = f"/agreements/{agreement_of(member)}", {"content-type": "application/x-www-form-urlencoded"}
        return lambda: house.stranger.request(method, path, b"decision=agree" if method == "POST" else None, form)

    workflow_path = f"{WORKFLOWS}/{{workflow_id}}"
    return {
        "GET /agreements/{token}": lambda: page("GET"),
        "POST /agreements/{token}": lambda: page("POST"),
        f"POST {WORKFLOWS}": lambda: post(WORKFLOWS, WANTED | {"event_type_id": house.event_type}),
        f"GET {WORKFLOWS}": lambda: lambda: member.get(WORKFLOWS, limit=100),
        f"GET {workflow_path}": lambda: at("GET", f"{WORKFLOWS}/{workflow_of(member, channel='WEBHOOK')}"),
        f"PATCH {workflow_path}": lambda: at("PATCH", f"{WORKFLOWS}/{workflow_of(member, channel='WEBHOOK')}", {"is_active": False}),
        f"DELETE {workflow_path}": lambda: at("DELETE", f"{WORKFLOWS}/{workflow_of(member, channel='WEBHOOK')}"),
        f"POST {WORKFLOWS}/preview": lambda: post(
            f"{WORKFLOWS}/preview", {"channel": "EMAIL", "body": "{{invitee.name}}", "booking_id": house.booking}
        ),
        f"POST {workflow_path}/test": lambda: post(f"{WORKFLOWS}/{workflow_of(member, channel='WEBHOOK')}/test"),
        f"GET {LOG}": lambda: lambda: member.get(LOG, limit=100),
        f"POST {LOG}/{{notification_id}}/resend": lambda: post(f"{LOG}/{notification_of(member)}/resend"),
    }


def things(member: Member, world: World) -> dict[str, str]:
    """One of everything in an organization, by the name of its path parameter."""
    return {"workflow_id": workflow_of(member), "notification_id": notification_of(member)}


BODIES: dict[str, Any] = {"{workflow_id}": {"name": "Later"}, "test": {}}
"""What a POST, PUT or PATCH needs to reach the look-up of its ids, by the last part of its path."""


def _workflows(house: SeededOrganization, count: int) -> None:
    for _ in range(count):
        workflow_of(house.member)


def _notifications(house: SeededOrganization, count: int) -> None:
    path = f"{WORKFLOWS}/{workflow_of(house.member)}/test"
    for _ in range(count):
        house.member.post(path)


LISTS: dict[str, Callable[[SeededOrganization, int], None]] = {f"GET {WORKFLOWS}": _workflows, f"GET {LOG}": _notifications}
"""Lists, and what adds so many rows to them."""
