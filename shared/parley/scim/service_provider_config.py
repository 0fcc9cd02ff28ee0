"""What this service provider says of itself (RFC 7643, sections 5 to 7): two resource types, and what the protocol may be asked for."""

from functools import cache
from typing import Annotated, Any

import email_validator
import scim2_models
from pydantic import Field, model_validator
from scim2_models import (
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Filter,
    Mutability,
    Patch,
    Reference,
    ResourceType,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    User,
)
from scim2_server.service import ScimService

MOST_RESULTS = 200
"""On one page."""

# Domains reserved for closed networks and for tests. People have addresses there, and one that a page can't show would break the page.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


class Manager(scim2_models.Manager):
    """Entra names a manager by the bare id."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return {"value": value} if isinstance(value, str) else value


class EnterpriseUser(scim2_models.EnterpriseUser):
    """Enterprise User"""

    manager: Manager | None = None


class GroupMember(ComplexAttribute):
    """What RFC 7643 declares of a member, section 8.7.1. `display` is none of it: Okta sends one with each member, and it is left out as
    whatever else nobody declares. A member is called as the user is."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(None, serialization_alias="$ref", validation_alias="$ref")  # type: ignore[type-arg]  # a user of whatever extension
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(scim2_models.Group):
    """The Group of RFC 7643, whose members are users."""

    members: list[GroupMember] | None = None  # type: ignore[assignment]  # narrower, and nobody puts another kind in


ScimUserModel: Any = User[EnterpriseUser]
ScimGroupModel: Any = Group

_CONFIGURATION = ServiceProviderConfig(
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=MOST_RESULTS),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=True),
    etag=ETag(supported=True),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="Bearer token",
            description="A key with the scope scim:provision, made by POST /v1/scim/token.",
            primary=True,
        )
    ],
)

# Entra removes members by a value beside the path, and replaces entries that are not there yet; both send attributes of their own.
_TOLERANT = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


@cache
def service() -> ScimService:
    """The protocol's steps. The same for every tenant."""
    types = [ResourceType.from_resource(ScimUserModel), ResourceType.from_resource(ScimGroupModel)]
    return ScimService(ScimProvider([User, EnterpriseUser, Group], types, _CONFIGURATION, _TOLERANT))
