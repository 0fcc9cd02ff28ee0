"""What the routes of members and teams take and answer."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from parley.identity.models import MemberRole
from parley.kernel.values.fields import Line, PatchModel, Prose, RequestModel, ResponseModel, Slug


class MemberRead(ResponseModel):
    """`is_active`: false for who was deactivated by provisioning, and may do nothing."""

    user_id: UUID
    name: str | None
    email: str | None
    role: MemberRole
    is_active: bool
    joined_at: datetime


class RoleUpdate(RequestModel):
    role: MemberRole


class TeamCreate(RequestModel):
    name: Line
    slug: Slug
    description: Prose | None = None


class TeamUpdate(PatchModel):
    _needed: ClassVar[frozenset[str]] = frozenset({"name", "slug"})

    name: Line | None = None
    slug: Slug | None = None
    description: Prose | None = None


class TeamRead(ResponseModel):
    id: UUID
    name: str
    slug: str
    description: str | None
    created_at: datetime
    updated_at: datetime


class TeamMemberCreate(RequestModel):
    user_id: UUID
    role: MemberRole = MemberRole.MEMBER


class TeamMemberRead(ResponseModel):
    """`role` is the one in the team."""

    team_id: UUID
    user_id: UUID
    name: str | None
    email: str | None
    role: MemberRole
    joined_at: datetime
