"""What the routes of organizations take and answer, and who the caller is in theirs."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AfterValidator, Field

from parley.identity.models import MemberRole
from parley.kernel.access.plans import PlanType
from parley.kernel.values.fields import Color, Host, Line, Locale, PatchModel, Prose, RequestModel, ResponseModel, SecureUrl, Slug, TimeZone

RESERVED = frozenset(
    {
        "about", "account", "accounts", "admin", "agreements", "api", "app", "assets", "auth", "billing", "blog", "bookings",
        "cdn", "contact",
        "dashboard", "docs", "ftp", "health", "help", "host", "hosts", "identity", "inbox", "internal", "invitation", "invitations",
        "invite",
        "legal", "links", "login", "logout", "mail", "me", "new", "null", "oauth", "openapi", "organization", "organizations", "parley",
        "pricing", "privacy", "recordings", "register", "rooms", "root", "saml", "scheduling", "scim", "security", "settings",
        "signin", "signup", "sso", "static", "status", "storage", "support", "system", "team", "teams", "terms", "undefined",
        "user", "users", "v1", "v2", "webhook", "webhooks", "well-known", "www",
    }
)  # fmt: skip
"""Slugs that addresses of the product need, or that would be taken for it."""


def _free(slug: str) -> str:
    if slug in RESERVED:
        raise ValueError("is reserved; choose another")
    return slug


OrganizationSlug = Annotated[Slug, AfterValidator(_free)]


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


class OrganizationCreate(RequestModel):
    name: Line
    slug: OrganizationSlug
    description: Prose | None = None
    domain: Host | None = None
    logo_url: SecureUrl | None = None
    brand_color: Color | None = None
    timezone: TimeZone = "UTC"
    locale: Locale | None = None


class VisitorLimits(RequestModel):
    """What strangers may do with the organization's event types before they prove their address, or are asked to wait. Null is as usual:
    5 bookings in the name of one address a day, 60 from one network an hour, 6 times held by one network at a time."""

    bookings_of_address: Annotated[int, Field(strict=True, ge=1, le=20)] | None = None
    bookings_from_network: Annotated[int, Field(strict=True, ge=1, le=240)] | None = None
    holds_of_event_type_from_network: Annotated[int, Field(strict=True, ge=1, le=24)] | None = None


class OrganizationUpdate(PatchModel):
    _needed: ClassVar[frozenset[str]] = frozenset({"name", "slug", "timezone"})

    name: Line | None = None
    slug: OrganizationSlug | None = None
    description: Prose | None = None
    domain: Host | None = None
    logo_url: SecureUrl | None = None
    brand_color: Color | None = None
    timezone: TimeZone | None = None
    locale: Locale | None = None
    visitor_limits: VisitorLimits | None = None


class OrganizationRestore(RequestModel):
    """`slug`: another one, where somebody has taken the old one meanwhile."""

    slug: OrganizationSlug | None = None


class OrganizationTransfer(RequestModel):
    user_id: UUID


class PlanChoice(RequestModel):
    plan: PlanType


class VisitorLimitsRead(ResponseModel):
    """Of those that the organization has set."""

    bookings_of_address: int | None
    bookings_from_network: int | None
    holds_of_event_type_from_network: int | None


class OrganizationDetailRead(OrganizationRead):
    description: str | None
    domain: str | None
    logo_url: str | None
    brand_color: str | None
    locale: str | None
    sso_enabled: bool
    scim_enabled: bool
    owner_id: UUID
    visitor_limits: VisitorLimitsRead | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class OwnOrganizationRead(OrganizationDetailRead):
    """An organization with the role that the caller has in it."""

    role: MemberRole
    joined_at: datetime


class SeatsRead(ResponseModel):
    """`used`: members, and pending invitations of people who are none yet."""

    used: int
    limit: int


class LimitsRead(ResponseModel):
    """`history_days`: how long messages are kept, null for ever."""

    plan: PlanType
    seats: SeatsRead
    requests_per_minute: int
    history_days: int | None
    has_api_access: bool
