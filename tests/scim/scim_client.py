"""An identity provider in a few words: requests of SCIM with the organization's token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local.client import Answer
from parley.kernel.values.ids import new_id
from tests.harness import Client, Member

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass
class ScimClient(Client):
    """Provisions `organization`, whose owner is a client of its own."""

    organization: Member | None = None

    @property
    def owner(self) -> Member:
        assert self.organization is not None
        return self.organization

    def scim(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: Any) -> Answer:
        sent = {"content-type": "application/scim+json"} if body is not None else {}
        return self.request(method, f"/scim/v2{path}", body, sent | (headers or {}), query)

    def user(self, user_name: str | None = None, /, **attributes: Any) -> Any:
        made = self.scim("POST", "/Users", {"schemas": [USER], "userName": user_name or address()} | attributes)
        assert made.status == 201, made.raw
        return made.body

    def group(self, display_name: str = "Engineering", *members: str, **attributes: Any) -> Any:
        body = {"schemas": [GROUP], "displayName": display_name, "members": [{"value": member} for member in members]}
        made = self.scim("POST", "/Groups", body | attributes)
        assert made.status == 201, made.raw
        return made.body

    def change(self, path: str, *operations: dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
        return self.scim("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, headers)

    def names_found(self, path: str, **query: Any) -> list[str]:
        """The names of what a search finds."""
        answer = self.scim("GET", path, **query)
        assert answer.status == 200, answer.raw
        return [each.get("userName") or each.get("displayName") for each in answer.body.get("Resources", [])]


def address(domain: str = "acme.test") -> str:
    return f"{new_id().hex}@{domain}"
