"""What single sign-on reads."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.models import (
    AuthProvider,
    AuthProviderType,
    Invitation,
    InvitationStatus,
    MemberRole,
    Organization,
    OrganizationMember,
    User,
)
from parley.identity.roles import member_rights
from parley.kernel.persistence.transactions import lookup
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Forbidden, NotFound
from parley.saml.models import SamlConnection


class NoSuchLogin(NotFound):
    """The organization is not there, or has no single sign-on."""


class AwaitsOwner(Forbidden):
    """The owner has not agreed to the connection."""

    def __init__(self) -> None:
        super().__init__("Single sign-on of this organization waits for its owner: POST /v1/saml/connection/approve.")


@dataclass(frozen=True, slots=True)
class AssertionMapping:
    """How a connection's assertions are read: whose addresses it speaks for, what its people become, where what stands.

    `domains` are those that no other organization has proven; `proven` those that this one has.
    """

    domains: list[str]
    proven: frozenset[str]
    default_role: MemberRole
    email_attribute: str | None
    name_attribute: str | None
    role_attribute: str | None


def connection(session: Session) -> SamlConnection | None:
    """That of the caller's organization, if it lives. One query."""
    return session.scalar(select(SamlConnection).join(Organization, Organization.id == SamlConnection.organization_id))


def organization_and_connection(session: Session) -> tuple[Organization, SamlConnection | None] | None:
    """The caller's organization and its connection, if it has one. One query."""
    row = session.execute(
        select(Organization, SamlConnection)
        .outerjoin(SamlConnection, SamlConnection.organization_id == Organization.id)
        .where(Organization.id == session.info["caller"].organization_id)
    ).one_or_none()
    return (row[0], row[1]) if row else None


@dataclass(frozen=True, slots=True)
class ResponseExpectations:
    """What an answer of the identity provider is held against. `request_id` is that of an open request, the one that was named."""

    idp_entity_id: str
    certificates: list[str]
    reading: AssertionMapping
    is_idp_initiated_allowed: bool
    request_id: UUID | None
    return_to: str | None


def response_expectations(organization_id: UUID, request_id: UUID) -> ResponseExpectations:
    """The connection of an organization that lives, and the named request if it waits for an answer. One round trip, no transaction.

    Raises `NoSuchLogin`, `AwaitsOwner`.
    """
    here = UUID(str(organization_id))
    rows = lookup(
        f"SET LOCAL app.organization_id = '{here}'; "  # noqa: S608  # what is put in are UUIDs
        "SELECT c.idp_entity_id, c.certificates, c.domains, c.default_role::text, c.email_attribute, c.name_attribute, c.role_attribute, "
        "c.is_idp_initiated_allowed, r.id, r.return_to, c.approved_at, "
        "(SELECT jsonb_agg(jsonb_build_array(d.key, d.organization_id)) FROM directory_entries d WHERE d.kind = 'saml_domain' "
        "AND d.key IN (SELECT jsonb_array_elements_text(c.domains))) "
        "FROM saml_connections c "
        "JOIN organizations o ON o.id = c.organization_id AND o.deleted_at IS NULL "
        f"LEFT JOIN saml_requests r ON r.organization_id = c.organization_id AND r.id = '{UUID(str(request_id))}' "
        "AND r.used_at IS NULL AND r.expires_at > now() "
        f"WHERE c.organization_id = '{here}'",
    )
    if not rows:
        raise NoSuchLogin("This organization has no single sign-on.")
    entity_id, certificates, domains, role, email, name, role_name, is_allowed, open_id, return_to, approved_at, proofs = rows[0]
    if approved_at is None:
        raise AwaitsOwner
    holders = dict(proofs or ())
    proven = frozenset(domain for domain, holder in holders.items() if holder == str(here))
    free = [domain for domain in domains if domain in proven or domain not in holders]
    reading = AssertionMapping(free, proven, MemberRole(role), email, name, role_name)
    return ResponseExpectations(entity_id, certificates, reading, is_allowed, open_id, return_to)


def account_and_membership(
    session: Session, user_id: UUID, provider_id: str
) -> tuple[User, OrganizationMember | None, AuthProvider | None] | None:
    """A living account, its membership of the caller's organization, its way in by this name. One query, in a transaction of both."""
    here = session.info["caller"].organization_id
    row = session.execute(
        select(User, OrganizationMember, AuthProvider)
        .outerjoin(OrganizationMember, (OrganizationMember.user_id == User.id) & (OrganizationMember.organization_id == here))
        .outerjoin(
            AuthProvider,
            (AuthProvider.user_id == User.id)
            & (AuthProvider.provider_type == AuthProviderType.SAML)
            & (AuthProvider.provider_id == provider_id),
        )
        .where(User.id == user_id)
    ).one_or_none()
    return (row[0], row[1], row[2]) if row else None


def invitation(session: Session, email: str) -> Invitation | None:
    """The pending one to the caller's organization itself, if who invited may still give its role. One query."""
    row = session.execute(
        select(Invitation, member_rights.role_of(Invitation.invited_by)).where(
            Invitation.organization_id == session.info["caller"].organization_id,
            Invitation.email == email,
            Invitation.team_id.is_(None),
            Invitation.status == InvitationStatus.PENDING,
            Invitation.expires_at > now(),
        )
    ).one_or_none()
    return row[0] if row is not None and member_rights.could_invite(row[1], row[0].role) else None
