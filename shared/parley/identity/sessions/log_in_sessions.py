"""Sessions: a log-in that lasts, on one device. Its refresh tokens are a chain, of which the last link is good (`refresh_tokens`)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.identity.accounts import user_accounts, user_bound_tokens
from parley.identity.declared import IdentityAction
from parley.identity.models import MemberRole, Organization, OrganizationMember, RefreshToken, User, UserSession
from parley.identity.sessions import single_sign_on
from parley.identity.sessions.single_sign_on import SingleSignOnRequired
from parley.kernel.access.admission import NotAMember
from parley.kernel.access.callers import NOWHERE, ActorType, Caller
from parley.kernel.audit import audit
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values import secret_hashes
from parley.kernel.values.clock import now

REFRESH_LIFE = timedelta(days=7)
LONGEST = timedelta(days=90)
"""However often it is refreshed, a session ends, and its user logs in again."""

PREFIX = "prt_"
PURPOSE = "refresh token"


@dataclass(frozen=True, slots=True)
class SessionOrganization:
    """The organization that a session works for, and the user's role there."""

    id: UUID
    name: str
    slug: str
    role: MemberRole


@dataclass(frozen=True, slots=True, repr=False)
class LogInSession:
    """A session that has just begun or been refreshed, with the one thing that is shown once. `refresh_token` is None when it stays."""

    session_id: UUID
    user_id: UUID
    email: str | None
    name: str | None
    organization: SessionOrganization | None
    refresh_token: str | None


def as_user(caller: Caller, user_id: UUID, organization_id: UUID | None = None) -> Caller:
    """The same caller, now that it is known who it is: for what they do to be audited under their name."""
    return replace(caller, actor_type=ActorType.USER, actor_id=user_id, organization_id=organization_id or NOWHERE, admission=None)


def choose_organization(
    session: Session,
    user_id: UUID,
    *,
    methods: Sequence[str],
    wanted: UUID | None = None,
    last: UUID | None = None,
    is_for_evidence: bool = False,
) -> SessionOrganization | None:
    """The organization to work for: the wanted one, else the last, else the first one joined. One query.

    Organizations that make the user come in by single sign-on are left out, unless that is among `methods`; then those that the user owns
    are. `is_for_evidence`: none are, for nothing is opened. Raises `NotAMember` for a
    wanted one that the user does not belong to, or not any more; `SingleSignOnRequired` for one that lets them in another way only.
    """
    belonging = (
        select(Organization.id, Organization.name, Organization.slug, OrganizationMember.role)
        .join(OrganizationMember, OrganizationMember.organization_id == Organization.id)
        .join(User, User.id == OrganizationMember.user_id)
        .where(OrganizationMember.user_id == user_id, OrganizationMember.deactivated_at.is_(None))
        .order_by(Organization.id.is_not_distinct_from(last).desc(), OrganizationMember.joined_at, OrganizationMember.id)
        .limit(1)
    )
    if wanted is not None:
        belonging = belonging.where(Organization.id == wanted)
    is_saml = single_sign_on.METHOD in methods
    is_free = is_saml or is_for_evidence
    if is_saml and not is_for_evidence:
        belonging = belonging.where(OrganizationMember.role != MemberRole.OWNER)
    row = session.execute(belonging if is_free else belonging.where(single_sign_on.is_not_required())).one_or_none()
    if row is None and wanted is not None:
        if not is_free and session.execute(belonging).one_or_none() is not None:
            raise SingleSignOnRequired(f"Log in through this organization's identity provider: /saml/{wanted}/login.")
        raise NotAMember("You are not a member of this organization.")
    return SessionOrganization(*row) if row is not None else None


def start(session: Session, caller: Caller, user: User, methods: Sequence[str], organization_id: UUID | None = None) -> LogInSession:
    """Log a user in who has proved who they are by `methods` (RFC 8176), in a transaction of theirs (`transactions.personal`).

    `organization_id` is where they want to work; without it `chosen` decides. Raises `NotAMember`.
    """
    organization = choose_organization(session, user.id, methods=methods, wanted=organization_id, last=user.last_organization_id)
    at = now()
    begun = UserSession(
        user_id=user.id,
        organization_id=organization.id if organization else None,
        methods=list(methods),
        ip_address=caller.ip_address,
        user_agent=caller.user_agent,
        expires_at=at + REFRESH_LIFE,
    )
    session.add(begun)
    token, row = new_refresh_token(user.id, begun)
    session.add(row)
    audit.record(
        session, as_user(caller, user.id, begun.organization_id), IdentityAction.USER_LOGIN_SUCCEEDED, begun, methods=begun.methods
    )
    # Where a person works by themself, an identity provider of an organization does not choose.
    chosen_by_them = {} if single_sign_on.METHOD in methods else {"last_organization_id": begun.organization_id}
    execute_later(session, update(User).where(user_accounts.is_undeleted(user.id)).values(last_login_at=at, **chosen_by_them))
    return LogInSession(begun.id, user.id, user.email, user.name, organization, token)


def new_refresh_token(user_id: UUID, family: UserSession) -> tuple[str, RefreshToken]:
    """A refresh token and its row, which holds the keyed hash."""
    token = user_bound_tokens.make(PREFIX, user_id)
    return token, RefreshToken(
        user_id=user_id, family_id=family.id, token_hash=secret_hashes.digest(PURPOSE, token), expires_at=family.expires_at
    )


def session_id_of(caller: Caller) -> UUID | None:
    return caller.admission.session_id if caller.admission is not None else None
