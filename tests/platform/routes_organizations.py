"""organizations: a request for each route, and the ids that its paths take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from parley.identity.members import invitations
from parley.identity.models import Invitation, MemberRole, OrganizationMember
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from tests.stack.load_scenarios import created

if TYPE_CHECKING:
    from tests.harness import Member, World
    from tests.platform.every_route import Request, SeededOrganization


ORGANIZATION, INVITATIONS = "/v1/identity/organization", "/v1/identity/invitations"


def slug() -> str:
    return f"s-{new_id().hex}"


def belong(house: SeededOrganization) -> Member:
    """The house's member belongs to one organization more, of somebody else's: a person founds twenty a day at most."""
    other = house.world.organization("Other")
    with transactions.transaction(other.caller) as session:
        session.add(OrganizationMember(user_id=house.member.user_id, role=MemberRole.MEMBER))
    return other


def founded(house: SeededOrganization, *, is_deleted: bool = False) -> Member:
    """Another organization of the house's member."""
    made = created(house.member.post(f"{ORGANIZATION}s", {"name": "Other", "slug": slug()}))
    other = house.world.member(UUID(made["id"]), house.member.user_id, "OWNER")
    if is_deleted:
        assert other.delete(ORGANIZATION).status == 204
    return other


def paying(house: SeededOrganization) -> Member:
    """Another organization of the house's member, which an operator gave a plan."""
    other = founded(house)
    house.world.give_plan(other.organization_id, "PRO")
    return other


def add_team(house: SeededOrganization) -> str:
    return str(created(house.member.post("/v1/identity/teams", {"name": "Team", "slug": slug()}))["id"])


def the_team(house: SeededOrganization) -> str:
    if "team" not in house.made:
        house.made["team"] = add_team(house)
    return house.made["team"]


def add_member(house: SeededOrganization) -> str:
    return str(house.member.as_role("MEMBER").user_id)


def add_team_member(house: SeededOrganization, team: str | None = None) -> str:
    path = f"/v1/identity/teams/{team or add_team(house)}/members"
    user_id = add_member(house)
    created(house.member.post(path, {"user_id": user_id}))
    return f"{path}/{user_id}"


def add_invitation(house: SeededOrganization) -> str:
    return str(created(house.member.post(INVITATIONS, {"email": f"{new_id()}@invited.test"}))["id"])


def token_of(house: SeededOrganization, invitation_id: str) -> str:
    with transactions.transaction(house.member.caller) as session:
        return invitations.token(session.scalars(select(Invitation).where(Invitation.id == UUID(invitation_id))).one())


def requests(house: SeededOrganization) -> dict[str, Callable[[], Request]]:
    """By method and path as in the template: makes a new request of that route ready."""
    member, teams = house.member, "/v1/identity/teams"
    team = the_team(house)

    def ready(method: str, path: str, body: Any = None, *, who: Member = member) -> Request:
        headers = {"idempotency-key": str(new_id())} if method == "POST" else {}
        return lambda: who.request(method, path, body, headers)

    def transfer() -> Request:
        other = founded(house)
        house.world.give_plan(other.organization_id, "BUSINESS")
        return ready("POST", f"{ORGANIZATION}/transfer", {"user_id": str(other.as_role("ADMIN").user_id)}, who=other)

    organization = {
        f"POST {ORGANIZATION}s": lambda: ready("POST", f"{ORGANIZATION}s", {"name": "Other", "slug": slug()}),
        f"GET {ORGANIZATION}s": lambda: ready("GET", f"{ORGANIZATION}s?limit=100"),
        f"POST {ORGANIZATION}s/{{organization_id}}/restore": lambda: ready(
            "POST", f"{ORGANIZATION}s/{founded(house, is_deleted=True).organization_id}/restore"
        ),
        f"GET {ORGANIZATION}": lambda: ready("GET", ORGANIZATION),
        f"PATCH {ORGANIZATION}": lambda: ready("PATCH", ORGANIZATION, {"name": slug()}),
        f"DELETE {ORGANIZATION}": lambda: ready("DELETE", ORGANIZATION, who=founded(house)),
        f"POST {ORGANIZATION}/transfer": transfer,
        f"PUT {ORGANIZATION}/plan": lambda: ready("PUT", f"{ORGANIZATION}/plan", {"plan": "FREE"}, who=paying(house)),
        f"GET {ORGANIZATION}/limits": lambda: ready("GET", f"{ORGANIZATION}/limits"),
        f"POST {ORGANIZATION}/leave": lambda: ready("POST", f"{ORGANIZATION}/leave", who=member.as_role("MEMBER")),
        "GET /v1/identity/members": lambda: ready("GET", "/v1/identity/members?limit=100"),
        "GET /v1/identity/members/{user_id}": lambda: ready("GET", f"/v1/identity/members/{member.user_id}"),
        "PATCH /v1/identity/members/{user_id}": lambda: ready("PATCH", f"/v1/identity/members/{add_member(house)}", {"role": "VIEWER"}),
        "DELETE /v1/identity/members/{user_id}": lambda: ready("DELETE", f"/v1/identity/members/{add_member(house)}"),
        "DELETE /v1/identity/members/{user_id}/sessions": lambda: ready("DELETE", f"/v1/identity/members/{add_member(house)}/sessions"),
    }

    def answered(path: str) -> Request:
        token = token_of(house, add_invitation(house))
        return lambda: house.stranger.post(f"/v1/auth/invitations/{path}", {"token": token})

    def accept() -> Request:
        person = house.world.person()
        token = token_of(house, created(member.post(INVITATIONS, {"email": person.email}))["id"])
        return lambda: person.post("/v1/auth/invitations/accept", {"token": token})

    def page(method: str) -> Request:
        token, form = token_of(house, add_invitation(house)), {"content-type": "application/x-www-form-urlencoded"}
        return lambda: house.stranger.request(method, f"/invitations/{token}", b"" if method == "POST" else None, form)

    invited = {
        f"POST {INVITATIONS}": lambda: ready("POST", INVITATIONS, {"email": f"{new_id()}@invited.test"}),
        f"GET {INVITATIONS}": lambda: ready("GET", f"{INVITATIONS}?limit=100"),
        f"GET {INVITATIONS}/{{invitation_id}}": lambda: ready("GET", f"{INVITATIONS}/{add_invitation(house)}"),
        f"DELETE {INVITATIONS}/{{invitation_id}}": lambda: ready("DELETE", f"{INVITATIONS}/{add_invitation(house)}"),
        f"POST {INVITATIONS}/{{invitation_id}}/resend": lambda: ready("POST", f"{INVITATIONS}/{add_invitation(house)}/resend"),
        "POST /v1/auth/invitations/show": lambda: answered("show"),
        "POST /v1/auth/invitations/decline": lambda: answered("decline"),
        "POST /v1/auth/invitations/accept": accept,
        "GET /invitations/{token}": lambda: page("GET"),
        "POST /invitations/{token}": lambda: page("POST"),
    }
    return (
        invited
        | organization
        | {
            f"POST {teams}": lambda: ready("POST", teams, {"name": "Team", "slug": slug()}),
            f"GET {teams}": lambda: ready("GET", f"{teams}?limit=100"),
            f"GET {teams}/{{team_id}}": lambda: ready("GET", f"{teams}/{team}"),
            f"PATCH {teams}/{{team_id}}": lambda: ready("PATCH", f"{teams}/{team}", {"name": slug()}),
            f"DELETE {teams}/{{team_id}}": lambda: ready("DELETE", f"{teams}/{add_team(house)}"),
            f"GET {teams}/{{team_id}}/members": lambda: ready("GET", f"{teams}/{team}/members?limit=100"),
            f"POST {teams}/{{team_id}}/members": lambda: ready("POST", f"{teams}/{team}/members", {"user_id": add_member(house)}),
            f"PATCH {teams}/{{team_id}}/members/{{user_id}}": lambda: ready("PATCH", add_team_member(house), {"role": "VIEWER"}),
            f"DELETE {teams}/{{team_id}}/members/{{user_id}}": lambda: ready("DELETE", add_team_member(house)),
        }
    )


LISTS: dict[str, Callable[[SeededOrganization, int], object]] = {
    "GET /v1/identity/organizations": lambda house, count: [belong(house) for _ in range(count)],
    "GET /v1/identity/members": lambda house, count: [add_member(house) for _ in range(count)],
    "GET /v1/identity/invitations": lambda house, count: [add_invitation(house) for _ in range(count)],
    "GET /v1/identity/teams": lambda house, count: [add_team(house) for _ in range(count)],
    "GET /v1/identity/teams/{team_id}/members": lambda house, count: [add_team_member(house, the_team(house)) for _ in range(count)],
}
"""Lists, and what makes them longer by so many."""

NO_LISTS = {ORGANIZATION, f"{ORGANIZATION}/limits"}
"""What is read as a whole: there is one of it."""

WITH_ONESELF = {"/v1/identity/organizations", "/v1/identity/members"}
"""Lists in which the caller's own organization and the caller stand."""


def things(member: Member, world: World) -> dict[str, str]:
    """One of everything in an organization, by the name of its path parameter."""
    team = created(member.post("/v1/identity/teams", {"name": "Team", "slug": slug()}))["id"]
    created(member.post(f"/v1/identity/teams/{team}/members", {"user_id": str(member.user_id)}))
    invitation = created(member.post(INVITATIONS, {"email": f"{new_id()}@invited.test"}))["id"]
    organization_id = str(member.organization_id)
    return {"organization_id": organization_id, "user_id": str(member.user_id), "team_id": team, "invitation_id": invitation}


BODIES: dict[str, Any] = {
    "{user_id}": {"role": "MEMBER"},
    "{team_id}": {"name": "Mine"},
    "members": {"user_id": str(new_id())},
}
"""What a POST, PUT or PATCH needs to reach the look-up of its ids, by the last part of its path."""
