"""Tables of single sign-on with SAML: an organization's connection to its identity provider, its domains, requests that wait for an answer,
and the assertions that were used."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from parley.identity.models import MemberRole
from parley.kernel.persistence.base_models import Base, Swept, Tenant, Timestamps, native_enum
from parley.kernel.persistence.column_encryption import Sealed, SealedText
from parley.kernel.values.clock import now

ONE_CONNECTION = "uq_saml_connections_organization_id"
USED_ONCE = "uq_saml_assertions_organization_id_digest"


class NameIdFormat(StrEnum):
    EMAIL_ADDRESS = "EMAIL_ADDRESS"
    PERSISTENT = "PERSISTENT"
    UNSPECIFIED = "UNSPECIFIED"


class SamlConnection(Tenant, Timestamps, Base):
    """The identity provider of an organization. `certificates` are what it signs with, DER in base64: several while they roll over.

    `signing_key` signs our requests; `signing_certificate` is its public half, as our metadata shows it. Without `approved_at` nobody logs
    in through it: the owner has not agreed. `proposed` is what somebody else wants to make of a connection that counts; it changes nothing.
    """

    __tablename__ = "saml_connections"
    __table_args__ = (UniqueConstraint("organization_id", name=ONE_CONNECTION),)

    idp_entity_id: Mapped[str]
    idp_sso_url: Mapped[str]
    certificates: Mapped[list[str]]
    domains: Mapped[list[str]]
    default_role: Mapped[MemberRole] = mapped_column(native_enum(MemberRole, "member_role"))
    name_id_format: Mapped[NameIdFormat] = mapped_column(native_enum(NameIdFormat, "saml_name_id_format"))
    email_attribute: Mapped[str | None]
    name_attribute: Mapped[str | None]
    role_attribute: Mapped[str | None]
    is_enforced: Mapped[bool]
    is_idp_initiated_allowed: Mapped[bool]
    signing_key: Mapped[Sealed] = mapped_column(SealedText)
    signing_certificate: Mapped[str]
    asked_by: Mapped[UUID | None]
    asked_at: Mapped[datetime | None]
    approved_by: Mapped[UUID | None]
    approved_at: Mapped[datetime | None]
    proposed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class SamlDomain(Tenant, Swept, Timestamps, Base):
    """A claim of a mail domain, and the token that DNS has to show for it. Proven from `verified_at` on; then `next_check_at` is when it is
    looked at again, `misses` how often in a row DNS had no record since `missed_since`, `seen_at` when it had it last."""

    __tablename__ = "saml_domains"
    __table_args__ = (UniqueConstraint("organization_id", "domain"), Index("ix_saml_domains_next_check_at", "next_check_at"))

    domain: Mapped[str]
    token: Mapped[str]
    verified_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    missed_since: Mapped[datetime | None]
    misses: Mapped[int] = mapped_column(default=0)
    next_check_at: Mapped[datetime | None]


class SamlRequest(Tenant, Base):
    """A log-in that a browser has begun. Its id is what the answer's `InResponseTo` names; it is answered once."""

    __tablename__ = "saml_requests"
    __table_args__ = (Index("ix_saml_requests_organization_id_expires_at", "organization_id", "expires_at"),)

    return_to: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SamlAssertion(Tenant, Base):
    """An assertion that opened a session, by the SHA-256 of its id: remembered as long as it would be valid."""

    __tablename__ = "saml_assertions"
    __table_args__ = (
        UniqueConstraint("organization_id", "digest", name=USED_ONCE),
        Index("ix_saml_assertions_organization_id_expires_at", "organization_id", "expires_at"),
    )

    digest: Mapped[str]
    user_id: Mapped[UUID | None]
    expires_at: Mapped[datetime]
