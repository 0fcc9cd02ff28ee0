"""keys: a request for each route, and the ids that its paths take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from parley.kernel.values.ids import new_id

if TYPE_CHECKING:
    from tests.harness import Member, World
    from tests.platform.every_route import Request, SeededOrganization

KEYS = "/v1/identity/api-keys"
PROJECTS = "/v1/storage/projects"


def requests(house: SeededOrganization) -> dict[str, Callable[[], Request]]:
    """By method and path as in the template: makes a new request of that route ready."""
    member = house.member
    body = {"label": "Website", "permissions": ["files:read"]}

    def made() -> str:
        return key_of(member)

    def post(path: str, wanted: Any) -> Request:
        headers = {"idempotency-key": str(new_id())}
        return lambda: member.post(path, wanted, headers)

    def at(method: str, path: str, wanted: Any = None) -> Request:
        return lambda: member.request(method, path, wanted)

    def project_wanted() -> dict[str, Any]:
        return {"name": "Website", "slug": f"website-{new_id().hex}"}

    return {
        "POST /v1/identity/api-keys": lambda: post(KEYS, body),
        "GET /v1/identity/api-keys": lambda: lambda: member.get(KEYS, limit=100),
        "GET /v1/identity/api-keys/{api_key_id}": lambda: at("GET", f"{KEYS}/{made()}"),
        "PATCH /v1/identity/api-keys/{api_key_id}": lambda: at("PATCH", f"{KEYS}/{made()}", {"label": "Blog"}),
        "POST /v1/identity/api-keys/{api_key_id}/regenerate": lambda: post(f"{KEYS}/{made()}/regenerate", {}),
        "DELETE /v1/identity/api-keys/{api_key_id}": lambda: at("DELETE", f"{KEYS}/{made()}"),
        "GET /v1/identity/scopes": lambda: lambda: house.stranger.get("/v1/identity/scopes"),
        "POST /v1/storage/projects": lambda: post(PROJECTS, project_wanted()),
        "GET /v1/storage/projects": lambda: lambda: member.get(PROJECTS, limit=100),
        "GET /v1/storage/projects/{project_id}": lambda: at("GET", f"{PROJECTS}/{project_of(member)}"),
        "PATCH /v1/storage/projects/{project_id}": lambda: at("PATCH", f"{PROJECTS}/{project_of(member)}", {"name": "Blog"}),
        "DELETE /v1/storage/projects/{project_id}": lambda: at("DELETE", f"{PROJECTS}/{project_of(member)}"),
    }


def key_of(member: Member) -> str:
    answer = member.post(KEYS, {"label": "Website", "permissions": ["files:read"]})
    assert answer.status == 201, answer.raw
    return str(answer.body["id"])


def project_of(member: Member) -> str:
    answer = member.post(PROJECTS, {"name": "Website", "slug": f"website-{new_id().hex}"})
    assert answer.status == 201, answer.raw
    return str(answer.body["id"])


def things(member: Member, world: World) -> dict[str, str]:
    """One of everything in an organization, by the name of its path parameter."""
    return {"api_key_id": key_of(member), "project_id": project_of(member)}


BODIES: dict[str, Any] = {"{api_key_id}": {"label": "Blog"}}
"""What a POST, PUT or PATCH needs to reach the look-up of its ids, by the last part of its path."""
