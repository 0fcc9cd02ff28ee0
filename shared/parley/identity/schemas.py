"""What identity's routes answer."""

from uuid import UUID

from parley.identity.models import MemberRole
from parley.kernel.plans import PlanType
from parley.kernel.texts import Shown


class OrganizationRead(Shown):
    id: UUID
    name: str
    slug: str
    timezone: str
    plan: PlanType


class CallerRead(Shown):
    user_id: UUID
    name: str | None
    email: str | None
    role: MemberRole
    scopes: list[str]
    organization: OrganizationRead
