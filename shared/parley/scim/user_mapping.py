"""Members as users of SCIM, and back."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import EmailStr, TypeAdapter, ValidationError
from scim2_models import InvalidValueException, Resource

from parley.identity.models import MemberRole, OrganizationMember, User
from parley.identity.roles.scopes import RANKS
from parley.kernel.values.fields import Email
from parley.scim.models import ScimUser
from parley.scim.service_provider_config import EnterpriseUser, ScimUserModel

# What has a column, is said by us alone, or is never kept.
_NOT_KEPT = ("schemas", "id", "externalId", "userName", "meta", "groups", "password")
MOST_KEPT_BYTES = 16 * 1024
"""So that a page of users fits into what a function may answer: 6 MB."""

_SCHEMAS = [str(kind.__schema__) for kind in (ScimUserModel, EnterpriseUser)]
_ADDRESS: TypeAdapter[str] = TypeAdapter(Email)
_SHOWN: TypeAdapter[str] = TypeAdapter(EmailStr)


def version_of(value: Any) -> str:
    """A weak entity tag that is another one for anything else that is said."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return f'W/"{hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]}"'


@dataclass(slots=True)
class ProvisionedUser:
    """A member with their account, and what provisioning has said of them, if it has. `teams`: ids and names."""

    member: OrganizationMember
    user: User
    row: ScimUser | None
    teams: list[tuple[UUID, str]] = field(default_factory=list)

    @property
    def user_name(self) -> str:
        return self.row.user_name if self.row else self.user.email or str(self.member.id)

    @property
    def role_word(self) -> str | None:
        """The role among the kept roles, as it was written."""
        return named_role(self.row.attributes) if self.row else None

    def resource(self) -> Resource[Any]:
        """As SCIM shows them."""
        attributes = dict(self.row.attributes) if self.row else _unprovisioned(self.user, self.member)
        if self.row is not None and self.role_word is not None and self.role_word.upper() != self.member.role.value:
            attributes["roles"] = [role for role in attributes["roles"] if role.get("value") != self.role_word] + [
                {"value": self.member.role.value}
            ]
        attributes |= {
            "id": str(self.member.id),
            "userName": self.user_name,
            "groups": [{"value": str(key), "$ref": f"Groups/{key}", "display": name, "type": "direct"} for key, name in self.teams],
        }
        if "active" in attributes:  # an attribute that was removed is not shown
            attributes["active"] = self.member.deactivated_at is None
        if self.row is not None and self.row.external_id is not None:
            attributes["externalId"] = self.row.external_id
        changes = [self.member.joined_at, self.member.deactivated_at, self.row.updated_at if self.row else None]
        attributes["meta"] = {
            "resourceType": "User",
            "created": self.member.joined_at,
            "lastModified": max(change for change in changes if change is not None),
            "version": version_of(attributes),
        }
        attributes["schemas"] = [urn for urn in _SCHEMAS if urn == _SCHEMAS[0] or urn in attributes]
        shown: Resource[Any] = ScimUserModel.model_validate(attributes)
        return shown


def _unprovisioned(user: User, member: OrganizationMember) -> dict[str, Any]:
    attributes: dict[str, Any] = {"active": True, "roles": [{"value": member.role.value, "primary": True}]}
    if name := member.display_name or user.name:
        attributes |= {"displayName": name, "name": {"formatted": name}}
    if user.email and _is_shown(user.email):
        attributes["emails"] = [{"value": user.email, "primary": True}]
    return attributes


def _is_shown(address: str) -> bool:
    """Whether the library takes it for an address; it is stricter than we are."""
    try:
        _SHOWN.validate_python(address)
    except ValidationError:
        return False
    return True


def named_role(attributes: dict[str, Any]) -> str | None:
    """The word for a role of ours in `roles`, the highest of many. Other words mean nothing to us, and are kept."""
    words = [str(role.get("value")) for role in attributes.get("roles") or [] if str(role.get("value")).upper() in RANKS]
    return max(words, key=lambda word: RANKS.index(word.upper()), default=None)


@dataclass(frozen=True, slots=True)
class RequestedUser:
    """What a request says a user shall be."""

    user_name: str
    external_id: str | None
    is_active: bool | None
    attributes: dict[str, Any]

    @classmethod
    def of(cls, resource: Resource[Any]) -> "RequestedUser":
        """Raises `InvalidValueException` for a name without letters, or a text that is too long."""
        attributes: dict[str, Any] = resource.model_dump(mode="json")
        name = (attributes.get("userName") or "").strip()
        if not 0 < len(name) <= 320:
            raise InvalidValueException(detail="A userName has 1 to 320 characters.")
        if len(attributes.get("externalId") or "") > 1000:
            raise InvalidValueException(detail="An externalId has at most 1000 characters.")
        kept = {key: value for key, value in attributes.items() if key not in _NOT_KEPT}
        if len(json.dumps(kept, ensure_ascii=False).encode()) > MOST_KEPT_BYTES:
            raise InvalidValueException(detail=f"The attributes of a user have at most {MOST_KEPT_BYTES} bytes.")
        return cls(name, attributes.get("externalId"), attributes.get("active"), kept)

    @property
    def role(self) -> MemberRole | None:
        word = named_role(self.attributes)
        return MemberRole(word.upper()) if word else None

    @property
    def name(self) -> str | None:
        """How the person is called: 200 characters at most."""
        parts = self.attributes.get("name") or {}
        made = " ".join(part for part in (parts.get("givenName"), parts.get("familyName")) if part)
        return (self.attributes.get("displayName") or parts.get("formatted") or made)[:200] or None

    @property
    def address(self) -> str | None:
        """Where mail reaches the person: the primary address, the one for work, any, or the name if it is one."""
        emails = self.attributes.get("emails") or []
        ranked = sorted(emails, key=lambda email: (not email.get("primary"), email.get("type") != "work"))
        for candidate in [email["value"] for email in ranked if email.get("value")] or [self.user_name]:
            try:
                return _ADDRESS.validate_python(candidate)
            except ValidationError:
                continue
        return None
