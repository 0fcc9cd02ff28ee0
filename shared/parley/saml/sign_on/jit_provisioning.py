"""People who come in by single sign-on: found, joined or made, and a session that works for this organization alone.

An organization's identity provider speaks for the organization, not for a person's account: whoever runs it could let itself in as anybody
in the domain. So the session that it opens reaches nothing of the account beyond this organization (`single_sign_on.METHOD`), whoever has
an account and is no member is asked by mail, and an account that is made here counts as unverified and has no name of its own.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from parley.identity.accounts import user_accounts
from parley.identity.billing import seat_limits
from parley.identity.declared import IdentityAction, IdentityDirectory
from parley.identity.members import member_profiles, provisioning_invitations
from parley.identity.models import (
    AuthProvider,
    AuthProviderType,
    InvitationStatus,
    MemberRole,
    Organization,
    OrganizationMember,
    User,
    UserStatus,
)
from parley.identity.roles import organization_lock
from parley.identity.sessions import log_in_sessions, single_sign_on
from parley.identity.sessions.log_in_sessions import LogInSession
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import directory
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, Forbidden, Refusal
from parley.kernel.values.ids import new_id
from parley.saml import queries
from parley.saml.models import USED_ONCE
from parley.saml.queries import ResponseExpectations
from parley.saml.saml_messages.saml_responses import VerifiedAssertion
from parley.saml.sign_on import assertion_consumer
from parley.saml.sign_on.attribute_mapping import SamlProfile


class AccountNotActive(Forbidden):
    """The account is suspended, or an administrator has deactivated the member."""


class OwnerComesOtherwise(Forbidden):
    """The owner stands above whoever configures the identity provider: it does not speak for them."""


class DomainUnproven(Forbidden):
    """Nobody joins by an address in a domain that the organization has not proven."""

    def __init__(self) -> None:
        super().__init__("The domain of your address is not proven yet; ask your administrator: POST /v1/saml/domains/verify.")


class ConfirmationNeeded(Forbidden):
    """The account belongs to a person who has not said that they want to belong here: an identity provider does not say it for them."""


class AlreadyLinked(Conflict):
    """Two log-ins of one person at once; the other one was first."""


@dataclass(frozen=True, slots=True)
class MatchedAccount:
    """Whom a profile means: an account that is there, or the id of one to be made. `provider_id` names them at their identity provider."""

    user_id: UUID
    is_new: bool
    provider_id: str
    profile: SamlProfile


def _account(provider_id: str) -> str:
    """Its name in the directory. In hexadecimal: the directory takes letters of either case for the same."""
    return f"{AuthProviderType.SAML.value} {provider_id.encode().hex()}"


def match_account(organization_id: UUID, profile: SamlProfile) -> MatchedAccount:
    """By the name at the identity provider, else by the address. One round trip, outside any transaction."""
    # An opaque name has letters of both cases; an address has not.
    provider_id = f"{organization_id}:{profile.name_id.lower() if '@' in profile.name_id else profile.name_id}"
    by_name, by_address = IdentityDirectory.PROVIDER_ACCOUNT, IdentityDirectory.EMAIL
    people = directory.people_of({by_name: _account(provider_id), by_address: profile.email})
    user_id = people.get(by_name) or people.get(by_address)
    return MatchedAccount(user_id or new_id(), user_id is None, provider_id, profile)


def sign_in(
    session: Session, caller: Caller, asserted: VerifiedAssertion, door: ResponseExpectations, somebody: MatchedAccount
) -> LogInSession | Refusal:
    """Open the session, in a transaction of the organization and the person; or the refusal to raise once they are asked by mail.

    Raises `assertion_consumer.UnknownRequest`, `assertion_consumer.AssertionReplayed`, `AccountNotActive`,
    `OwnerComesOtherwise`, `DomainUnproven`, `PlanLimit`, `SessionEnded`.
    """
    used = assertion_consumer.use(session, asserted, door, somebody.user_id)
    with (
        session.no_autoflush,
        violation_means(USED_ONCE, assertion_consumer.AssertionReplayed("This assertion was used before; log in again.")),
    ):
        user = _newcomer(session, caller, somebody) if somebody.is_new else _acquaintance(session, caller, somebody)
        if isinstance(user, Refusal):
            return user
        started = log_in_sessions.start(session, caller, user, [single_sign_on.METHOD], used.organization_id)
        session.flush()
    return started


def _acquaintance(session: Session, caller: Caller, somebody: MatchedAccount) -> User | Refusal:
    row = queries.account_and_membership(session, somebody.user_id, somebody.provider_id)
    if row is None:
        raise AccountNotActive("This account is not there any more; ask your administrator.")
    user, member, link = row
    if user.status is not UserStatus.ACTIVE or (member is not None and member.deactivated_at is not None):
        raise AccountNotActive("Your account was deactivated here; ask your administrator.")
    if member is not None and member.role is MemberRole.OWNER:
        raise OwnerComesOtherwise("The owner of an organization does not come in through its identity provider; log in another way.")
    if member is None:
        if not somebody.profile.is_proven:
            raise DomainUnproven
        return _asked(session, caller, somebody)
    if link is None:
        user_accounts.lock(session, user.id)
        _link(session, user, somebody)
    else:
        execute_later(session, update(AuthProvider).where(AuthProvider.id == link.id).values(last_used_at=now()))
    return user


def _newcomer(session: Session, caller: Caller, somebody: MatchedAccount) -> User:
    if not somebody.profile.is_proven:
        raise DomainUnproven
    organization = organization_lock.lock_organization(session)
    waiting = member_profiles.waiting_member(session, organization.id, somebody.profile.email)
    if waiting is not None and waiting.deactivated_at is not None:
        raise AccountNotActive("Your account was deactivated here; ask your administrator.")
    user = user_accounts.create(session, id=somebody.user_id, email=somebody.profile.email, name=None)
    if waiting is None:
        _add(session, caller, user, _seat(session, organization, somebody), somebody.profile.name)
    else:  # a directory has provisioned them, and now they have come
        member_profiles.transfer_membership(session, waiting, user)
        audit.record(session, caller, IdentityAction.MEMBER_JOINED, user, new={"role": waiting.role.value}, by="saml")
    _link(session, user, somebody)
    return user


def _asked(session: Session, caller: Caller, somebody: MatchedAccount) -> Refusal:
    """Whoever has an account elsewhere says by themself whether they want to belong here."""
    organization = organization_lock.lock_organization(session)
    waiting = member_profiles.waiting_member(session, organization.id, somebody.profile.email)
    if waiting is None:
        seat_limits.require_free_seat(session, organization, address=somebody.profile.email)
    role = waiting.role if waiting is not None else somebody.profile.role
    provisioning_invitations.invite_by_mail(session, caller, somebody.profile.email, role, organization.owner_id)
    session.flush()
    return ConfirmationNeeded(
        "You have an account already. We have sent a mail to its address: accept there, logged in in your own way, and then come back."
    )


def _seat(session: Session, organization: Organization, somebody: MatchedAccount) -> MemberRole:
    """A seat, that of the person's invitation if one is pending; and the role that goes with it."""
    invited = queries.invitation(session, somebody.profile.email)
    seat_limits.require_free_seat(session, organization, address=somebody.profile.email)
    if invited is None:
        return somebody.profile.role
    invited.status, invited.accepted_at = InvitationStatus.ACCEPTED, now()
    return invited.role


def _add(session: Session, caller: Caller, user: User, role: MemberRole, name: str | None) -> None:
    session.add(OrganizationMember(user_id=user.id, role=role, display_name=name, is_sso_bound=True))
    audit.record(session, caller, IdentityAction.MEMBER_CREATED, user, new={"role": role.value}, by="saml")
    session.flush()


def _link(session: Session, user: User, somebody: MatchedAccount) -> None:
    link = AuthProvider(
        user_id=user.id,
        provider_type=AuthProviderType.SAML,
        provider_id=somebody.provider_id,
        provider_email=somebody.profile.email,
        last_used_at=now(),
    )
    session.add(link)
    directory.enter_person(session, IdentityDirectory.PROVIDER_ACCOUNT, _account(somebody.provider_id), user.id)
    with violation_means(directory.UNIQUE, AlreadyLinked("You have just logged in elsewhere for the first time; try again.")):
        session.flush()
