"""Somebody comes back from a provider: whose account is it? Found by the provider's name for them, else by an address that both sides have
verified, else made. Two who arrive at once are told apart by the directory's unique key, and the one who was overtaken looks again."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from parley.identity.accounts import security_alerts, user_accounts
from parley.identity.accounts.user_accounts import Account
from parley.identity.declared import IdentityAction, IdentityDirectory
from parley.identity.models import AuthProvider, FinishedLogIn, User, UserStatus, UserTotp
from parley.identity.providers.identity_handover import IdentityHandover
from parley.identity.providers.provider_settings import ProviderKind
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import directory
from parley.kernel.persistence.column_encryption import seal
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, Forbidden
from parley.kernel.values.ids import new_id
from parley.notifications.email import suppressions

log = logging.getLogger(__name__)
Outcome = TypeVar("Outcome")

KEPT = timedelta(hours=1)  # an attempt lives ten minutes
_TRIES = 4
_RENEWED = ("provider_email", "access_token", "refresh_token", "token_expires_at", "last_used_at")


class AttemptFinished(Conflict):
    """This attempt has led somewhere already."""


class AddressNotVerified(Conflict):
    """An account has the address, and nobody has shown that it is theirs."""


class LinkedElsewhere(Conflict):
    """The account at the provider belongs to another user."""


class AccountInactive(Forbidden):
    """The account is suspended, inactive, or gone."""


class Overtaken(Conflict):
    """Somebody else has written the same name meanwhile, several times over."""


def account_name(kind: ProviderKind, subject: str) -> str:
    """The directory's name of an account at a provider."""
    return user_accounts.provider_account_name(kind.stored, subject)


def matching_users(handover: IdentityHandover) -> tuple[UUID | None, UUID | None]:
    """The user of the provider's account, and the one of its address. One round trip."""
    names = {IdentityDirectory.PROVIDER_ACCOUNT: account_name(handover.kind, handover.subject)}
    if handover.email is not None:
        names[IdentityDirectory.EMAIL] = handover.email
    user_ids = directory.people_of(names)
    return user_ids.get(IdentityDirectory.PROVIDER_ACCOUNT), user_ids.get(IdentityDirectory.EMAIL)


def retry_when_overtaken(attempt: Callable[[], Outcome]) -> Outcome:
    """Try until nobody writes the same names at the same moment. Raises `Overtaken`."""
    for left in reversed(range(_TRIES)):
        try:
            return attempt()
        except Overtaken:
            if not left:
                raise
    raise AssertionError


def finish(session: Session, handover: IdentityHandover) -> None:
    """The attempt leads somewhere, once: its row is in the transaction of what it leads to. The flush raises `AttemptFinished`."""
    old = select(FinishedLogIn.state_hash).where(FinishedLogIn.finished_at < now() - KEPT).limit(50).with_for_update(skip_locked=True)
    execute_later(session, delete(FinishedLogIn).where(FinishedLogIn.state_hash.in_(old.scalar_subquery())))
    session.add(FinishedLogIn(state_hash=handover.attempt))
    if handover.email is not None:
        suppressions.release(session, handover.email)


@contextmanager
def unique_key_refusals(session: Session) -> Iterator[None]:
    """What the unique keys mean here, and one flush at the end of the block. Raises `AttemptFinished`, `Overtaken`."""
    finished = AttemptFinished("This log-in has been finished already; start again if you are not logged in.")
    overtaken = Overtaken("Somebody logs in with the same account at this moment; try again.")
    with (
        violation_means("pk_finished_log_ins", finished),
        violation_means(directory.UNIQUE, overtaken),
        violation_means("uq_auth_providers_provider_type_provider_id", overtaken),
        session.no_autoflush,  # what is written goes together, not before each question
    ):
        yield
        session.flush()


def user_of(session: Session, caller: Caller, handover: IdentityHandover, linked_id: UUID | None, addressed: UUID | None) -> Account:
    """The user that logs in, in a transaction of theirs: found, linked by a verified address, or made. Their tokens are sealed.

    What it has written is sent with the next flush (`integrity_errors`). Raises `AddressNotVerified`, `AccountInactive`, `Overtaken`.
    """
    if linked_id is not None:
        arrived, _ = _known(session, handover)
    elif addressed is not None:
        arrived = _addressed(session, handover)
        add_way_in(session, caller, addressed, handover)
    else:
        arrived = Account(_made(session, caller, handover), has_second_factor=False, witness_id=None)
        add_link(session, caller, arrived.user.id, handover)
    finish(session, handover)
    return arrived


def _known(session: Session, handover: IdentityHandover) -> tuple[Account, AuthProvider]:
    row = session.execute(
        select(User, AuthProvider, UserTotp.confirmed_at)
        .join(AuthProvider, AuthProvider.user_id == User.id)
        .outerjoin(UserTotp, UserTotp.user_id == User.id)
        .where(AuthProvider.provider_type == handover.kind.stored, AuthProvider.provider_id == handover.subject)
        .with_for_update(of=AuthProvider)
    ).one_or_none()
    if row is None:  # unlinked, or deleted, since the directory was asked
        raise Overtaken("This account was unlinked at this moment; try again.")
    user, link, confirmed_at = row
    session.expunge(link)  # so that the update travels with what comes after it, instead of by itself
    _keep_tokens(session, link, handover)
    kept = {name: getattr(link, name) for name in _RENEWED}
    execute_later(session, update(AuthProvider).where(AuthProvider.id == link.id).values(updated_at=now(), **kept))
    return _living(user, confirmed_at), link


def renew_link(session: Session, handover: IdentityHandover) -> AuthProvider:
    """The link that is there, with the tokens of now. Raises `AccountInactive`, `Overtaken`."""
    return _known(session, handover)[1]


def _addressed(session: Session, handover: IdentityHandover) -> Account:
    """The one user of this transaction; its address is asked for once more, for it may have been changed since the directory was."""
    row = session.execute(
        select(User, UserTotp.confirmed_at)
        .outerjoin(UserTotp, UserTotp.user_id == User.id)
        .where(User.id == session.info["user_id"])
        .with_for_update(of=User)
    ).one_or_none()
    user, confirmed_at = row or (None, None)
    if user is None or user.email is None or handover.email is None or user.email.lower() != handover.email.lower():
        raise Overtaken("This address has changed hands at this moment; try again.")
    if user.email_verified_at is None:
        raise AddressNotVerified("An account has this address and has not verified it; log in by a magic link once, then come again.")
    return _living(user, confirmed_at)


def _living(user: User, confirmed_at: datetime | None) -> Account:
    if user.status is not UserStatus.ACTIVE:
        raise AccountInactive("This account is not active; ask an administrator of your organization.")
    return Account(user, has_second_factor=confirmed_at is not None, witness_id=None)


def _made(session: Session, caller: Caller, handover: IdentityHandover) -> User:
    verified_at = now() if handover.email is not None else None
    try:
        user = user_accounts.create(
            session, id=session.info["user_id"], email=handover.email, name=handover.name, email_verified_at=verified_at
        )
    except user_accounts.EmailTaken:
        raise Overtaken("Somebody registers this address at this moment; try again.") from None
    audit.record(session, caller, IdentityAction.USER_REGISTERED, user, provider=handover.kind.stored.value)
    return user


def add_way_in(session: Session, caller: Caller, user_id: UUID, handover: IdentityHandover) -> AuthProvider:
    """A link to an account that is there, whose person is told."""
    security_alerts.tell(session, user_id, security_alerts.SecurityChange.PROVIDER_LINKED, now(), provider=handover.kind.value)
    return add_link(session, caller, user_id, handover)


def add_link(session: Session, caller: Caller, user_id: UUID, handover: IdentityHandover) -> AuthProvider:
    """Another way in. What the keys of the database say of it comes with the flush (`integrity_errors`)."""
    link = AuthProvider(
        id=new_id(), user_id=user_id, provider_type=handover.kind.stored, provider_id=handover.subject, provider_email=handover.email
    )
    session.add(link)
    directory.enter_person(session, IdentityDirectory.PROVIDER_ACCOUNT, account_name(handover.kind, handover.subject), user_id)
    _keep_tokens(session, link, handover)
    audit.record(session, caller, IdentityAction.PROVIDER_LINKED, link, provider=handover.kind.stored.value)
    return link


def _keep_tokens(session: Session, link: AuthProvider, handover: IdentityHandover) -> None:
    """The latest tokens take the place of earlier ones; a refresh token is only sent when it is new."""
    link.last_used_at = now()
    link.provider_email = handover.email
    if handover.access_token is not None:
        seal(session, link, AuthProvider.access_token, handover.access_token)
        until = handover.token_expires_at
        link.token_expires_at = datetime.fromtimestamp(until, UTC) if until is not None else None
    if handover.refresh_token is not None:
        seal(session, link, AuthProvider.refresh_token, handover.refresh_token)
