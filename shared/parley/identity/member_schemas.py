"""What the routes of members and teams take and answer."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from parley.identity.models import MemberRole
from parley.kernel.texts import Changes, Line, Prose, Shown, Slug, Wanted


class MemberRead(Shown):
    """`is_active`: false for who was deactivated by provisioning, and may do nothing."""

    user_id: UUID
    name: str | None
    email: str | None
    role: MemberRole
    is_active: bool
    joined_at: datetime


class RoleUpdate(Wanted):
    role: MemberRole


class TeamCreate(Wanted):
    name: Line
    slug: Slug
    description: Prose | None = None


class TeamUpdate(Changes):
    _needed: ClassVar[frozenset[str]] = frozenset({"name", "slug"})

    name: Line | None = None
    slug: Slug | None = None
    description: Prose | None = None


class TeamRead(Shown):
    id: UUID
    name: str
    slug: str
    description: str | None
    created_at: datetime
    updated_at: datetime


class TeamMemberCreate(Wanted):
    user_id: UUID
    role: MemberRole = MemberRole.MEMBER


class TeamMemberRead(Shown):
    """`role` is the one in the team."""

    team_id: UUID
    user_id: UUID
    name: str | None
    email: str | None
    role: MemberRole
    joined_at: datetime
