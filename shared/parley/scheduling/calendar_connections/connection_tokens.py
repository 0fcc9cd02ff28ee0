"""How to get in with a connection: its secrets opened, and its access token one that lives. Of many who need a new one, one fetches it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parley.calendar_providers.provider_protocol import (
    Account,
    CalDavAccount,
    CalendarTokens,
    IcsAccount,
    OAuthAccount,
    ProviderError,
    ProviderErrorCode,
    ProviderName,
    RefreshTokens,
)
from parley.kernel.access.callers import Caller
from parley.kernel.persistence.column_encryption import seal_all, unseal
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.clock import now
from parley.scheduling.calendar_connections.provider_calls import ask
from parley.scheduling.tables.calendar_models import CalendarConnection, CalendarMethod

Outcome = TypeVar("Outcome")
# A token that ends sooner is renewed: what is asked with it takes a while, and clocks differ.
_SPARE = timedelta(minutes=5)
_LEASE = timedelta(seconds=20)
_ASKING_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.1


class _NotRenewable(ProviderError):
    """What would not be taken is all that there is to get in with."""


@dataclass(frozen=True, slots=True)
class AccountAccess:
    """An account, and the version of its token: who is refused with it says so to `entry`."""

    account: Account
    version: int


def opened_account(session: Session, row: CalendarConnection) -> Account:
    """The account as it is stored, its token perhaps too old. Raises `ProviderError` for a connection without secrets."""
    provider = ProviderName(row.provider.value)
    if row.method is CalendarMethod.OAUTH and row.access_token is not None:
        assert provider in (ProviderName.GOOGLE, ProviderName.MICROSOFT)
        return OAuthAccount(provider=provider, access_token=unseal(session, row, CalendarConnection.access_token))
    if row.method is CalendarMethod.CALDAV and row.secret is not None:
        assert provider in (ProviderName.APPLE, ProviderName.CUSTOM)
        password = unseal(session, row, CalendarConnection.secret)
        return CalDavAccount(provider=provider, url=row.server_url or "", username=row.username or "", password=password)
    if row.method is CalendarMethod.ICS and row.secret is not None:
        return IcsAccount(url=unseal(session, row, CalendarConnection.secret))
    raise ProviderError(ProviderErrorCode.UNAUTHORIZED, "There is nothing to get in with.")


def is_fresh(row: CalendarConnection, spare: timedelta = _SPARE) -> bool:
    return row.method is not CalendarMethod.OAUTH or row.expires_at is None or row.expires_at > now() + spare


def with_access(caller: Caller, connection_id: UUID, seconds: float, work: Callable[[Account], Outcome]) -> Outcome:
    """`work` with the account; once more with another token, where one that should live is refused: it was taken back, or replaced.

    Raises `ProviderError`.
    """
    first = account_access(caller, connection_id, seconds)
    try:
        return work(first.account)
    except ProviderError as met:
        if met.code is not ProviderErrorCode.UNAUTHORIZED:
            raise
        try:
            again = account_access(caller, connection_id, seconds, refused_version=first.version)
        except _NotRenewable:
            raise met from None
    return work(again.account)


def account_access(caller: Caller, connection_id: UUID, seconds: float, refused_version: int | None = None) -> AccountAccess:
    """The account with a token that lives, within about `seconds`. `refused_version`: the provider would not take that one.

    One of all who ask at once fetches the new token, under a lease in the row and with no lock held; the others wait for it.
    Raises `ProviderError`: `unauthorized` when the grant is gone.
    """
    ends = time.monotonic() + seconds
    while True:
        with transaction(caller) as session:
            row = session.scalars(select(CalendarConnection).where(CalendarConnection.id == connection_id).with_for_update()).one_or_none()
            if row is None:
                raise ProviderError(ProviderErrorCode.UNAUTHORIZED, "The connection is gone.")
            if is_fresh(row) and row.token_version != refused_version:
                return AccountAccess(opened_account(session, row), row.token_version)
            if row.method is not CalendarMethod.OAUTH or row.refresh_token is None:
                raise _NotRenewable(ProviderErrorCode.UNAUTHORIZED, "The calendar's server does not let us in.")
            is_mine = row.refreshing_until is None or row.refreshing_until <= now()
            if is_mine:
                row.refreshing_until, version = now() + _LEASE, row.token_version
                provider, refresh_token = ProviderName(row.provider.value), unseal(session, row, CalendarConnection.refresh_token)
        if is_mine and (renewed := _renewed(caller, connection_id, provider, refresh_token, version)) is not None:
            return renewed
        if time.monotonic() >= ends:
            raise ProviderError(ProviderErrorCode.TIMED_OUT, "A new token did not come in time.")
        time.sleep(_LOOK_AGAIN_SECONDS)


def _renewed(caller: Caller, connection_id: UUID, provider: ProviderName, refresh_token: str, version: int) -> AccountAccess | None:
    """None where the account was connected again meanwhile: what becomes of the grant of before is nobody's business any more."""
    assert provider in (ProviderName.GOOGLE, ProviderName.MICROSOFT)
    try:
        tokens = ask(OAuthAccount(provider=provider), RefreshTokens(refresh_token=refresh_token), CalendarTokens, _ASKING_SECONDS)
    except ProviderError:
        with transaction(caller) as session:
            statement = update(CalendarConnection).where(
                CalendarConnection.id == connection_id, CalendarConnection.token_version == version
            )
            is_same = session.execute(statement.values(refreshing_until=None).returning(CalendarConnection.id)).one_or_none() is not None
        if is_same:
            raise
        return None
    with transaction(caller) as session:
        row = session.scalars(select(CalendarConnection).where(CalendarConnection.id == connection_id).with_for_update()).one_or_none()
        if row is None or row.token_version != version:
            return None
        rotated = {CalendarConnection.refresh_token: tokens.refresh_token} if tokens.refresh_token else {}
        seal_all(session, row, {CalendarConnection.access_token: tokens.access_token} | rotated)
        row.expires_at, row.refreshing_until, row.token_version = tokens.expires_at, None, version + 1
        return AccountAccess(OAuthAccount(provider=provider, access_token=tokens.access_token), row.token_version)
