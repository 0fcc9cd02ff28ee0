"""What this service provider says of itself (RFC 7643, sections 5 to 7): two resource types, and what the protocol may be asked for."""

from functools import cache
from typing import Annotated, Any

import email_validator
from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    EnterpriseUser,
    ETag,
    Filter,
    Group,
    GroupMember,
    Mutability,
    Patch,
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


class Member(GroupMember):
    """What a member is called is what the user is called."""

    display: Annotated[str | None, Mutability.read_only] = None


class Team(Group):
    """The Group of RFC 7643, whose members are users."""

    members: list[Member] | None = None  # type: ignore[assignment]  # narrower, and nobody puts another kind in


ScimUserModel: Any = User[EnterpriseUser]
ScimGroupModel: Any = Team

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
    return ScimService(ScimProvider([User, EnterpriseUser, Team], types, _CONFIGURATION, _TOLERANT))
