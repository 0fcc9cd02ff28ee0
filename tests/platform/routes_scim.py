"""scim: a request for each route, and the ids that its paths take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from parley.identity.models import Organization
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id

if TYPE_CHECKING:
    from tests.harness import Member, World
    from tests.platform.every_route import Request, SeededOrganization


def requests(house: SeededOrganization) -> dict[str, Callable[[], Request]]:
    """By method and path as in the template: makes a new request of that route ready."""
    member = house.member

    def post() -> Request:
        headers = {"idempotency-key": str(new_id())}
        return lambda: member.post("/v1/scim/token", {}, headers)

    def turn_off() -> Request:
        post()()
        return lambda: member.delete("/v1/scim")

    def users() -> Request:
        switched_on(member)
        return lambda: member.get("/scim/v2/Users")

    def approve() -> Request:
        path = f"/v1/scim/tokens/{proposed(member)}/approve"
        return lambda: member.post(path)

    return {
        "POST /v1/scim/token": post,
        "POST /v1/scim/tokens/{token_id}/approve": approve,
        "GET /v1/scim": lambda: lambda: member.get("/v1/scim"),
        "DELETE /v1/scim": turn_off,
        "ANY /scim/v2/{proxy+}": users,
    }


def switched_on(member: Member) -> Member:
    """The same client, in an organization that is provisioned."""
    with transactions.transaction(member.caller) as session:
        session.execute(update(Organization).where(Organization.id == member.organization_id).values(scim_enabled=True))
    return member


def proposed(member: Member) -> str:
    """The id of a token that waits for the owner."""
    made = member.as_role("ADMIN").post("/v1/scim/token", {}, {"idempotency-key": str(new_id())})
    assert made.status == 201, made.raw
    return str(made.body["id"])


def things(member: Member, world: World) -> dict[str, str]:
    """One of everything in an organization, by the name of its path parameter."""
    return {"token_id": proposed(member)}


BODIES: dict[str, Any] = {}
"""What a POST, PUT or PATCH needs to reach the look-up of its ids, by the last part of its path."""

NO_LISTS = {"/v1/scim"}
