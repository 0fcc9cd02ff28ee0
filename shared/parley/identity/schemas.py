"""What identity's routes answer."""

from uuid import UUID

from parley.identity.models import MemberRole
from parley.kernel.access.plans import PlanType
from parley.kernel.values.fields import ResponseModel


class OrganizationRead(ResponseModel):
    id: UUID
    name: str
    slug: str
    timezone: str
    plan: PlanType


class CallerRead(ResponseModel):
    """`role` and `organization` are null for somebody who has chosen none."""

    user_id: UUID
    name: str | None
    email: str | None
    username: str | None
    timezone: str
    locale: str
    avatar_url: str | None
    role: MemberRole | None
    scopes: list[str]
    organization: OrganizationRead | None
