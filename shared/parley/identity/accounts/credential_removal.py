"""Ways into an account beside its password, by their age: taken out when they are younger than a fault, or older than its address."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from parley.identity.accounts import second_factor, user_accounts
from parley.identity.declared import IdentityAction, IdentityDirectory
from parley.identity.models import AuthProvider, AuthProviderType, RecoveryCode, User, UserTotp
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import directory
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now

NEW_ADDRESS = timedelta(days=30)
"""How long after a change of address a reset offers to drop what is older than the address."""
_OF_PERSONS = AuthProvider.provider_type != AuthProviderType.SAML  # an organization's own provider is the organization's to take


def drop_younger(session: Session, caller: Caller, user_id: UUID, since: datetime) -> None:
    """Second factor, recovery codes and providers of a person that came at that instant or after."""
    factor = session.scalar(select(UserTotp).where(UserTotp.user_id == user_id))
    if factor is not None and max(factor.created_at, factor.confirmed_at or factor.created_at) >= since:
        second_factor.turn_off(session, user_id)
    execute_later(session, delete(RecoveryCode).where(RecoveryCode.user_id == user_id, RecoveryCode.id >= least_id(since)))
    _unlink(session, caller, user_id, AuthProvider.created_at >= since)


def older_than_address(session: Session, user: User) -> list[str]:
    """What an address that is new to the account found there: `second_factor`, and the names of providers. One query."""
    since = user.email_verified_at
    if since is None or since < now() - NEW_ADDRESS:
        return []
    factor = select(UserTotp.id).where(UserTotp.user_id == user.id, UserTotp.confirmed_at < since).exists()
    providers = select(AuthProvider.provider_type).where(AuthProvider.user_id == user.id, _OF_PERSONS, AuthProvider.created_at < since)
    names = [str(name.value).lower() for name in session.scalars(providers.order_by(AuthProvider.id))]
    return [*(["second_factor"] if session.scalar(select(factor)) else []), *dict.fromkeys(names)]


def drop_older(session: Session, caller: Caller, user: User) -> list[str]:
    """Take them out; which they were."""
    older = older_than_address(session, user)
    if "second_factor" in older:
        second_factor.turn_off(session, user.id)
    if older and user.email_verified_at is not None:
        _unlink(session, caller, user.id, AuthProvider.created_at < user.email_verified_at)
    return older


def _unlink(session: Session, caller: Caller, user_id: UUID, which: ColumnElement[bool]) -> None:
    for link in session.scalars(select(AuthProvider).where(AuthProvider.user_id == user_id, _OF_PERSONS, which)).all():
        directory.leave_person(
            session, IdentityDirectory.PROVIDER_ACCOUNT, user_accounts.provider_account_name(link.provider_type, link.provider_id)
        )
        execute_later(session, delete(AuthProvider).where(AuthProvider.id == link.id))
        audit.record(session, caller, IdentityAction.PROVIDER_UNLINKED, link, provider=link.provider_type.value)


def least_id(at: datetime) -> UUID:
    """The least id that can have been made at an instant (UUID version 7)."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
