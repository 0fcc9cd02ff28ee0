"""People who come in by single sign-on: found, joined or made, and a session that works for this organization alone.

An organization's identity provider speaks for the organization, not for a person's account: whoever runs it could let itself in as anybody
in the domain. So the session that it opens reaches nothing of the account beyond this organization (`single_sign_on.METHOD`), an account
that is not a member joins only if its address was verified by mail, and an account that is made here counts as unverified.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from parley.identity import accounts, seats, sessions, single_sign_on
from parley.identity.models import AuthProvider, AuthProviderType, InvitationStatus, MemberRole, OrganizationMember, User, UserStatus
from parley.identity.sessions import Started
from parley.kernel import audit, directory
from parley.kernel.callers import Caller
from parley.kernel.clock import now
from parley.kernel.errors import Conflict, Forbidden
from parley.kernel.gather import later
from parley.kernel.ids import new_id
from parley.kernel.verdicts import violation_means
from parley.saml import arrivals, queries
from parley.saml.models import USED_ONCE
from parley.saml.profiles import Profile
from parley.saml.queries import Door
from parley.saml.responses import Asserted


class AccountNotActive(Forbidden):
    """The account is suspended, or an administrator has deactivated the member."""


class OwnerComesOtherwise(Forbidden):
    """The owner stands above whoever configures the identity provider: it does not speak for them."""


class DomainUnproven(Forbidden):
    """Nobody joins by an address in a domain that the organization has not proven."""

    def __init__(self) -> None:
        super().__init__("The domain of your address is not proven yet; ask your administrator: POST /v1/saml/domains/verify.")


class AddressNotVerified(Forbidden):
    """An account with this address exists, and nobody has shown that it is theirs."""


class AlreadyLinked(Conflict):
    """Two log-ins of one person at once; the other one was first."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """Whom a profile means: an account that is there, or the id of one to be made. `provider_id` names them at their identity provider."""

    user_id: UUID
    is_new: bool
    provider_id: str
    profile: Profile


def _account(provider_id: str) -> str:
    """Its name in the directory. In hexadecimal: the directory takes letters of either case for the same."""
    return f"{AuthProviderType.SAML.value} {provider_id.encode().hex()}"


def meant(organization_id: UUID, profile: Profile) -> Somebody:
    """By the name at the identity provider, else by the address. One round trip, outside any transaction."""
    # An opaque name has letters of both cases; an address has not.
    provider_id = f"{organization_id}:{profile.name_id.lower() if '@' in profile.name_id else profile.name_id}"
    by_name, by_address = directory.Kind.PROVIDER_ACCOUNT, directory.Kind.EMAIL
    people = directory.people_of({by_name: _account(provider_id), by_address: profile.email})
    found = people.get(by_name) or people.get(by_address)
    return Somebody(found or new_id(), found is None, provider_id, profile)


def sign_in(session: Session, caller: Caller, asserted: Asserted, door: Door, somebody: Somebody) -> Started:
    """Open the session, in a transaction of the organization and the person.

    Raises `arrivals.UnknownRequest`, `arrivals.AssertionReplayed`, `AccountNotActive`, `AddressNotVerified`,
    `OwnerComesOtherwise`, `DomainUnproven`, `PlanLimit`, `SessionEnded`.
    """
    used = arrivals.use(session, asserted, door, somebody.user_id)
    with session.no_autoflush, violation_means(USED_ONCE, arrivals.AssertionReplayed("This assertion was used before; log in again.")):
        user = _newcomer(session, caller, somebody) if somebody.is_new else _acquaintance(session, caller, somebody)
        started = sessions.start(session, caller, user, [single_sign_on.METHOD], used.organization_id)
        session.flush()
    return started


def _acquaintance(session: Session, caller: Caller, somebody: Somebody) -> User:
    found = queries.known(session, somebody.user_id, somebody.provider_id)
    if found is None:
        raise AccountNotActive("This account is not there any more; ask your administrator.")
    user, member, link = found
    if user.status is not UserStatus.ACTIVE or (member is not None and member.deactivated_at is not None):
        raise AccountNotActive("Your account was deactivated here; ask your administrator.")
    if member is not None and member.role is MemberRole.OWNER:
        raise OwnerComesOtherwise("The owner of an organization does not come in through its identity provider; log in another way.")
    if member is None:
        if not somebody.profile.is_proven:
            raise DomainUnproven
        if user.email_verified_at is None:
            raise AddressNotVerified(
                "An account with your address exists, and the address was never verified; log in by a magic link once."
            )
        _join(session, caller, user, somebody)
    if member is None or link is None:
        accounts.lock(session, user.id)  # after the organization, as everywhere
    if link is None:
        _link(session, user, somebody)
    else:
        later(session, update(AuthProvider).where(AuthProvider.id == link.id).values(last_used_at=now()))
    return user


def _newcomer(session: Session, caller: Caller, somebody: Somebody) -> User:
    if not somebody.profile.is_proven:
        raise DomainUnproven
    role_of = _seat(session, somebody)
    profile = somebody.profile
    user = accounts.create(session, id=somebody.user_id, email=profile.email, name=profile.name)
    _add(session, caller, user, role_of)
    _link(session, user, somebody)
    return user


def _join(session: Session, caller: Caller, user: User, somebody: Somebody) -> None:
    _add(session, caller, user, _seat(session, somebody))


def _seat(session: Session, somebody: Somebody) -> MemberRole:
    """A seat, that of the person's invitation if one is pending; and the role that goes with it."""
    organization = seats.lock(session)
    invited = queries.invitation(session, somebody.profile.email)
    seats.take(session, organization, address=somebody.profile.email)
    if invited is None:
        return somebody.profile.role
    invited.status, invited.accepted_at = InvitationStatus.ACCEPTED, now()
    return invited.role


def _add(session: Session, caller: Caller, user: User, role: MemberRole) -> None:
    session.add(OrganizationMember(user_id=user.id, role=role))
    audit.record(session, caller, "member.created", user, new={"role": role.value}, by="saml")
    session.flush()


def _link(session: Session, user: User, somebody: Somebody) -> None:
    link = AuthProvider(
        user_id=user.id,
        provider_type=AuthProviderType.SAML,
        provider_id=somebody.provider_id,
        provider_email=somebody.profile.email,
        last_used_at=now(),
    )
    session.add(link)
    directory.enter_person(session, directory.Kind.PROVIDER_ACCOUNT, _account(somebody.provider_id), user.id)
    with violation_means(directory.UNIQUE, AlreadyLinked("You have just logged in elsewhere for the first time; try again.")):
        session.flush()
