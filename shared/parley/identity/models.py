"""Organizations, people, and who belongs where; how people log in; keys for programs.

Tables of an organization carry its policy. Tables of a person are global and show a person their own rows
(`transactions.personal`); what is found by a secret is shown to who presents it (`transactions.bearing`).
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import CITEXT, INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from parley.kernel.access.plans import PlanType
from parley.kernel.persistence.base_models import Base, SoftDeleted, Tenant, Timestamps, native_enum, tenant_key
from parley.kernel.persistence.column_encryption import Sealed, SealedText
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id

__all__ = ["PlanType"]


class UserStatus(StrEnum):
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    SUSPENDED = "SUSPENDED"


class MemberRole(StrEnum):
    OWNER = "OWNER"
    ADMIN = "ADMIN"
    MEMBER = "MEMBER"
    VIEWER = "VIEWER"


class AuthProviderType(StrEnum):
    LOCAL = "LOCAL"
    GOOGLE = "GOOGLE"
    GITHUB = "GITHUB"
    MICROSOFT = "MICROSOFT"
    APPLE = "APPLE"
    SAML = "SAML"


class InvitationStatus(StrEnum):
    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"


class VerificationKind(StrEnum):
    REGISTRATION = "REGISTRATION"
    EMAIL = "EMAIL"
    MAGIC_LINK = "MAGIC_LINK"
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105  # a kind, not a secret
    SECOND_FACTOR = "SECOND_FACTOR"
    SECURITY_ALERT = "SECURITY_ALERT"


_OWN = "It belongs to a user: its policy shows a person their own."
_role = native_enum(MemberRole, "member_role")


class Organization(Timestamps, SoftDeleted, Base):
    """`seat_limit` and `request_limit` (a minute) are agreed with this organization; without them its plan says.

    `locale`: the language of mails and pages for people who have chosen none.
    `sso_domains`: members who are bound must come in by single sign-on, those with addresses there among them; None where nobody must.
    `visitor_limits`: by the name of a limit of `scheduling.bookings.booking_limits`, how much strangers may; what is missing is as usual.
    """

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
    locale: Mapped[str | None]
    plan: Mapped[PlanType] = mapped_column(native_enum(PlanType, "plan_type"), default=PlanType.FREE)
    sso_enabled: Mapped[bool] = mapped_column(default=False)
    scim_enabled: Mapped[bool] = mapped_column(default=False)
    sso_domains: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    seat_limit: Mapped[int | None]
    request_limit: Mapped[int | None]
    mail_limit: Mapped[int | None]
    visitor_limits: Mapped[dict[str, int] | None] = mapped_column(JSONB(none_as_null=True))


class User(Timestamps, SoftDeleted, Base):
    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_email", "email", unique=True, postgresql_where="deleted_at IS NULL"),
        Index("uq_users_username", "username", unique=True, postgresql_where="deleted_at IS NULL"),
    )
    global_because = (
        "A user may belong to many organizations: its policies show the users of the caller's organization, and a person themself."
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str | None] = mapped_column(CITEXT)
    username: Mapped[str | None] = mapped_column(CITEXT)
    name: Mapped[str | None]
    avatar_url: Mapped[str | None]
    timezone: Mapped[str] = mapped_column(default="UTC")
    locale: Mapped[str] = mapped_column(default="en")
    status: Mapped[UserStatus] = mapped_column(native_enum(UserStatus, "user_status"), default=UserStatus.ACTIVE)
    password_hash: Mapped[str | None]
    password_changed_at: Mapped[datetime | None]
    email_verified_at: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]
    last_organization_id: Mapped[UUID | None]


class OrganizationMember(Tenant, Base):
    """One owner an organization. A member with `deactivated_at` keeps the seat's history and may do nothing (SCIM's `active: false`).

    `display_name` is what the organization calls them, `email` where it says that they are as long as they have not come
    (`member_profiles`). `is_sso_bound`: where the organization enforces single sign-on, they come in by nothing
    else, whatever their address is today.
    """

    __tablename__ = "organization_members"
    __table_args__ = (
        UniqueConstraint("organization_id", "user_id"),
        UniqueConstraint("organization_id", "email"),
        Index("ix_organization_members_user_id", "user_id"),
        Index("uq_organization_members_owner", "organization_id", unique=True, postgresql_where="role = 'OWNER'"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    role: Mapped[MemberRole] = mapped_column(_role)
    joined_at: Mapped[datetime] = mapped_column(default=now)
    deactivated_at: Mapped[datetime | None]
    display_name: Mapped[str | None]
    email: Mapped[str | None] = mapped_column(CITEXT)
    is_sso_bound: Mapped[bool] = mapped_column(default=False)


class Team(Tenant, Timestamps, SoftDeleted, Base):
    __tablename__ = "teams"
    __table_args__ = (Index("uq_teams_slug", "organization_id", "slug", unique=True, postgresql_where="deleted_at IS NULL"),)

    name: Mapped[str]
    slug: Mapped[str]
    description: Mapped[str | None]


class TeamMember(Tenant, Base):
    """A member of the organization, in a team of it: who leaves the one leaves the other."""

    __tablename__ = "team_members"
    __table_args__ = (
        UniqueConstraint("organization_id", "team_id", "user_id"),
        Index("ix_team_members_organization_id_user_id", "organization_id", "user_id"),
        tenant_key("team_id", "teams"),
        ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["organization_members.organization_id", "organization_members.user_id"],
            ondelete="CASCADE",
        ),
    )

    team_id: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    role: Mapped[MemberRole] = mapped_column(_role)
    joined_at: Mapped[datetime] = mapped_column(default=now)


class Invitation(Tenant, Timestamps, Base):
    """One pending for each address and target: a team, or the organization itself (no team). `mailed_at`: the link was sent."""

    __tablename__ = "invitations"
    __table_args__ = (
        Index(
            "uq_invitations_pending",
            "organization_id",
            "email",
            "team_id",
            unique=True,
            postgresql_where="status = 'PENDING'",
            postgresql_nulls_not_distinct=True,
        ),
        UniqueConstraint("organization_id", "token_hash"),
        tenant_key("team_id", "teams"),
    )

    email: Mapped[str] = mapped_column(CITEXT)
    team_id: Mapped[UUID | None]
    role: Mapped[MemberRole] = mapped_column(_role)
    status: Mapped[InvitationStatus] = mapped_column(native_enum(InvitationStatus, "invitation_status"), default=InvitationStatus.PENDING)
    invited_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    token_hash: Mapped[str]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]


class AuthProvider(Timestamps, Base):
    """A way in that somebody else vouches for. The directory knows the user by `provider_type` and `provider_id`."""

    __tablename__ = "auth_providers"
    __table_args__ = (UniqueConstraint("provider_type", "provider_id"), Index("ix_auth_providers_user_id", "user_id"))
    global_because = _OWN

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    provider_type: Mapped[AuthProviderType] = mapped_column(native_enum(AuthProviderType, "auth_provider_type"))
    provider_id: Mapped[str]
    provider_email: Mapped[str | None] = mapped_column(CITEXT)
    access_token: Mapped[Sealed | None] = mapped_column(SealedText)
    refresh_token: Mapped[Sealed | None] = mapped_column(SealedText)
    token_expires_at: Mapped[datetime | None]
    details: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    last_used_at: Mapped[datetime | None]


class UserSession(Base):
    """A log-in that lasts: the family of its refresh tokens. `organization_id` is the one chosen, `methods` how the user proved
    themself (RFC 8176: pwd, otp, mfa, …)."""

    __tablename__ = "user_sessions"
    __table_args__ = (
        Index("ix_user_sessions_user_id", "user_id"),
        Index("ix_user_sessions_organization_id_user_id", "organization_id", "user_id"),
    )
    global_because = "It belongs to a user: its policies show a person their own, and an organization those that work for it."

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    methods: Mapped[list[str]]
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_used_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None]


class RefreshToken(Base):
    """One link of a session's chain. `replaced_by` is the next one, made when it is used; `replaced_at` when it was shown last before that
    one left. From `revoked_at` on, when it left, using it again revokes the session (`family_id`)."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (UniqueConstraint("token_hash"), Index("ix_refresh_tokens_family_id", "family_id"))
    global_because = _OWN

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    family_id: Mapped[UUID] = mapped_column(ForeignKey("user_sessions.id", ondelete="CASCADE"))
    token_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    replaced_by: Mapped[UUID | None]
    replaced_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class VerificationToken(Base):
    """A single-use link in a mail, or the proof of a first factor. A registration has no user yet: `wanted` holds the name that was typed,
    and nothing that opens an account: whoever asked for the link is not who opens it."""

    __tablename__ = "verification_tokens"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_verification_tokens_expires_at", "expires_at"),
        Index("ix_verification_tokens_email", "email", postgresql_where="user_id IS NULL"),
    )
    global_because = "It proves that somebody reads an address: its policies show it to who presents the token, and to the user it is for."

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[VerificationKind] = mapped_column(native_enum(VerificationKind, "verification_kind"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(CITEXT)
    token_hash: Mapped[str]
    wanted: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class UserTotp(Timestamps, Base):
    """The second factor (RFC 6238). `last_step` is the time step of the last code taken: a code opens once."""

    __tablename__ = "user_totps"
    global_because = _OWN

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    secret: Mapped[Sealed | None] = mapped_column(SealedText)
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(default=0)


class RecoveryCode(Base):
    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)
    global_because = _OWN

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    code_hash: Mapped[str]
    used_at: Mapped[datetime | None]


class SignInThrottle(Base):
    """Failures of one account or one network address in a row, mails to an address, organizations that somebody has founded.

    `subject` is a hash of whose they are, keyed but for ids."""

    __tablename__ = "sign_in_throttles"
    __table_args__ = (Index("ix_sign_in_throttles_last_failed_at", "last_failed_at"),)
    global_because = "It is counted before anybody is known, and holds no more than a hash and a number."

    subject: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_failed_at: Mapped[datetime]
    blocked_until: Mapped[datetime | None]


class FinishedLogIn(Base):
    """An attempt to log in through a provider that has led somewhere, by the digest of its state: it leads nowhere a second time."""

    __tablename__ = "finished_log_ins"
    __table_args__ = (Index("ix_finished_log_ins_finished_at", "finished_at"),)
    global_because = "It is written as somebody becomes known, and holds no more than a hash and an instant."

    state_hash: Mapped[str] = mapped_column(primary_key=True)
    finished_at: Mapped[datetime] = mapped_column(default=now)


class ApiKey(Tenant, Timestamps, Base):
    """A program's way in. `prefix` is what is shown of it; `user_id` its maker, whose scopes bound it; `replaces_id` the key that it
    succeeds, `made_with_id` the key that asked for it. The key itself names its organization, so that it is looked up where it belongs.
    `approved_at`: the owner made it or agreed to it; a key that provisions does nothing before."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("organization_id", "key_hash"),
        UniqueConstraint("organization_id", "replaces_id"),
        Index("ix_api_keys_organization_id_user_id", "organization_id", "user_id"),
        Index("ix_api_keys_organization_id_project_id", "organization_id", "project_id"),
    )

    project_id: Mapped[UUID | None]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    label: Mapped[str]
    key_hash: Mapped[str]
    prefix: Mapped[str]
    permissions: Mapped[list[str]]
    request_limit: Mapped[int | None]
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    replaces_id: Mapped[UUID | None]
    made_with_id: Mapped[UUID | None]
    approved_at: Mapped[datetime | None]


class RequestCount(Base):
    """Requests since `started_at`, for an organization (its own id) or one of its keys. Unlogged: a count that a crash loses is no loss."""

    __tablename__ = "request_counts"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(default=now)
    requests: Mapped[int] = mapped_column(default=0)
