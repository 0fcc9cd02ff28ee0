"""Organizations, users, and who belongs where. Log-in, invitations and API keys join them here."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from parley.kernel.clock import now
from parley.kernel.ids import new_id
from parley.kernel.models import Base, SoftDeleted, Tenant, Timestamps, native_enum


class PlanType(StrEnum):
    FREE = "FREE"
    PRO = "PRO"
    BUSINESS = "BUSINESS"


class UserStatus(StrEnum):
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    SUSPENDED = "SUSPENDED"


class MemberRole(StrEnum):
    OWNER = "OWNER"
    ADMIN = "ADMIN"
    MEMBER = "MEMBER"
    VIEWER = "VIEWER"


class Organization(Timestamps, SoftDeleted, Base):
    __tablename__ = "organizations"
    __table_args__ = (Index("uq_organizations_slug", "slug", unique=True, postgresql_where="deleted_at IS NULL"),)
    global_because = "It is the tenant itself: its policy shows a caller the one organization that it works for."

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    slug: Mapped[str]
    description: Mapped[str | None]
    domain: Mapped[str | None]
    logo_url: Mapped[str | None]
    brand_color: Mapped[str | None]
    timezone: Mapped[str] = mapped_column(default="UTC")
    plan: Mapped[PlanType] = mapped_column(native_enum(PlanType, "plan_type"), default=PlanType.FREE)
    sso_enabled: Mapped[bool] = mapped_column(default=False)
    scim_enabled: Mapped[bool] = mapped_column(default=False)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))


class User(Timestamps, SoftDeleted, Base):
    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_email", "email", unique=True, postgresql_where="deleted_at IS NULL"),
        Index("uq_users_username", "username", unique=True, postgresql_where="deleted_at IS NULL"),
    )
    global_because = "A user may belong to many organizations: its policy shows the users of the caller's organization."

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str | None] = mapped_column(CITEXT)
    username: Mapped[str | None] = mapped_column(CITEXT)
    name: Mapped[str | None]
    avatar_url: Mapped[str | None]
    timezone: Mapped[str] = mapped_column(default="UTC")
    locale: Mapped[str] = mapped_column(default="en")
    status: Mapped[UserStatus] = mapped_column(native_enum(UserStatus, "user_status"), default=UserStatus.ACTIVE)
    password_hash: Mapped[str | None]
    email_verified_at: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]


class OrganizationMember(Tenant, Base):
    __tablename__ = "organization_members"
    __table_args__ = (UniqueConstraint("organization_id", "user_id"), Index("ix_organization_members_user_id", "user_id"))

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    role: Mapped[MemberRole] = mapped_column(native_enum(MemberRole, "member_role"))
    joined_at: Mapped[datetime] = mapped_column(default=now)
