"""What the routes of members, teams and invitations take and answer."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Secret, StringConstraints

from parley.identity.models import InvitationStatus, MemberRole
from parley.kernel.values.fields import Email, Line, PatchModel, Prose, RequestModel, ResponseModel, Slug


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


class InvitationCreate(RequestModel):
    """With a team, the invitation is to that team; `role` is the one there, and the one in the organization for who is new in it."""

    email: Email
    role: MemberRole = MemberRole.MEMBER
    team_id: UUID | None = None


class InvitationRead(ResponseModel):
    id: UUID
    email: str
    role: MemberRole
    status: InvitationStatus
    team_id: UUID | None
    invited_by: UUID | None
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None


class InvitationToken(RequestModel):
    """The last part of the link in the mail."""

    token: Secret[Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200)]]


class OpenInvitationRead(ResponseModel):
    """What somebody who has the link sees: who asks whom, where to, as what."""

    organization_name: str
    organization_logo_url: str | None
    team_name: str | None
    role: MemberRole
    inviter_name: str | None
    email: str
    expires_at: datetime


class JoinedRead(ResponseModel):
    """Where the caller belongs now. POST /v1/auth/switch gives a token for it; `role` is the one in the organization."""

    organization_id: UUID
    organization_name: str
    organization_slug: str
    role: MemberRole
    team_id: UUID | None
