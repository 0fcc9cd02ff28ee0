"""Repeated failures slow down: those of one account, and those from one network address.

An attempt is counted before its password is looked at, in one statement that commits by itself; a success takes its count back. So many
guesses at once are bounded like many guesses in a row, and an address without an account is counted like one with an account.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from parley.identity.models import SignInThrottle
from parley.kernel import db, directory, keyed
from parley.kernel.clock import now
from parley.kernel.errors import TooManyRequests
from parley.kernel.gather import later

FREE = 5
"""Failures of one account that cost nothing; then one second, doubling with each."""
LONGEST_SECONDS = 15 * 60
FOUNDED_A_DAY = 20
"""Organizations that one person may found."""
NETWORK = (300, 3)
"""How many attempts from a network address at once, and after how many seconds one more."""

# A failure is forgotten after a day without another.
_ACCOUNT = f"""
    INSERT INTO sign_in_throttles AS t (subject, failures, last_failed_at) VALUES (%s, 1, clock_timestamp())
    ON CONFLICT (subject) DO UPDATE SET
        failures = CASE WHEN t.last_failed_at < clock_timestamp() - interval '1 day' THEN 1 ELSE t.failures + 1 END,
        last_failed_at = clock_timestamp(),
        blocked_until = CASE WHEN t.failures + 1 >= {FREE} AND t.last_failed_at >= clock_timestamp() - interval '1 day'
            THEN clock_timestamp() + least(2 ^ (least(t.failures + 1, 40) - {FREE}), {LONGEST_SECONDS}) * interval '1 s' END
    WHERE t.blocked_until IS NULL OR t.blocked_until <= clock_timestamp()
    RETURNING failures
"""  # noqa: S608  # numbers of ours


def _leaky(most: int, seconds: int) -> str:
    left = f"greatest(0, t.failures - floor(extract(epoch FROM clock_timestamp() - t.last_failed_at) / {seconds})::integer)"
    return f"""
        INSERT INTO sign_in_throttles AS t (subject, failures, last_failed_at) VALUES (%s, 1, clock_timestamp())
        ON CONFLICT (subject) DO UPDATE SET
            failures = {left} + 1, last_failed_at = clock_timestamp(),
            blocked_until = CASE WHEN {left} + 1 >= {most} THEN clock_timestamp() + {seconds} * interval '1 s' END
        WHERE t.blocked_until IS NULL OR t.blocked_until <= clock_timestamp()
        RETURNING failures
    """  # noqa: S608  # numbers of ours


def _counting(first: str) -> str:
    return f"""
        WITH first AS ({first}), network AS ({_leaky(*NETWORK)})
        SELECT (SELECT failures FROM first), (SELECT failures FROM network),
            (SELECT max(blocked_until) FROM sign_in_throttles WHERE subject IN (%s, %s)),
            (SELECT user_id FROM directory_entries WHERE kind = 'email' AND key = %s)
    """  # noqa: S608  # numbers of ours


# The day begins with the first; what is refused is rolled back with its transaction.
_FOUNDING = """
    INSERT INTO sign_in_throttles AS t (subject, failures, last_failed_at) VALUES (%s, 1, clock_timestamp())
    ON CONFLICT (subject) DO UPDATE SET
        failures = CASE WHEN t.last_failed_at < clock_timestamp() - interval '1 day' THEN 1 ELSE t.failures + 1 END,
        last_failed_at = CASE WHEN t.last_failed_at < clock_timestamp() - interval '1 day' THEN clock_timestamp() ELSE t.last_failed_at END
    RETURNING failures, last_failed_at + interval '1 day'
"""
_ATTEMPT = _counting(_ACCOUNT)


class TooManyAttempts(TooManyRequests):
    """Too many failures of this account or from this network address."""


class TooManyOrganizations(TooManyRequests):
    """This person has founded as many as one may in a day."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that was counted. `user_id` is whose address it is, if anybody's; `failures` how many of the account it makes, if it fails."""

    account: str
    network: str
    user_id: UUID | None
    failures: int


def _network(address: str | None) -> str:
    """The keyed hash of a network address; of its /64 for IPv6, which is what one customer has."""
    at = ip_address(address or "0.0.0.0")  # noqa: S104  # no address at all
    return keyed.digest("throttled network", str(ip_network(f"{at}/64", strict=False)) if at.version == 6 else str(at))


def subject_of(email: str) -> str:
    return keyed.digest("throttled account", email.strip().lower())


def second_factor_of(user_id: UUID) -> str:
    return keyed.digest("throttled second factor", str(user_id))


def attempt(subject: str, ip: str | None, email: str = "") -> Attempt:
    """Count an attempt, and look the address up, in one round trip. Raises `TooManyAttempts`."""
    network = _network(ip)
    return _counted(db.lookup(_ATTEMPT, *_asked(subject, network, email))[0], subject, network)


def attempt_within(session: Session, subject: str, ip: str | None) -> Attempt:
    """The same in a transaction, which has to commit whatever comes of the attempt. Raises `TooManyAttempts`."""
    network = _network(ip)
    row = session.connection().exec_driver_sql(_ATTEMPT, _asked(subject, network, "")).one()
    return _counted(tuple(row), subject, network)


def _asked(subject: str, network: str, email: str) -> tuple[str, ...]:
    return subject, network, subject, network, directory.personal(email)


def _counted(row: tuple[Any, ...], subject: str, network: str) -> Attempt:
    counted, from_there, until, user_id = row
    if counted is None or from_there is None:
        raise _refused(until)
    return Attempt(subject, network, user_id, int(counted))


def founding(session: Session, user_id: UUID) -> None:
    """Count an organization that a person founds, in the transaction that does: those at once wait for each other.

    Raises `TooManyOrganizations`.
    """
    subject = hashlib.sha256(f"founding {user_id}".encode()).hexdigest()  # an id is no secret
    founded, until = session.connection().exec_driver_sql(_FOUNDING, (subject,)).one()
    if founded > FOUNDED_A_DAY:
        seconds = _seconds_to(until)
        refusal = TooManyOrganizations(f"One person founds {FOUNDED_A_DAY} organizations a day at most; wait {seconds} s, then try again.")
        refusal.headers = {"retry-after": str(seconds)}
        raise refusal


def _seconds_to(until: datetime | None) -> int:
    return max(math.ceil((until - now()).total_seconds()), 1) if until is not None else 1


def _refused(until: datetime | None) -> TooManyAttempts:
    seconds = _seconds_to(until)
    refusal = TooManyAttempts(f"Too many attempts; wait {seconds} s, then try again.")
    refusal.headers = {"retry-after": str(seconds)}
    return refusal


def succeeded(session: Session, was: Attempt) -> None:
    """Take the count of an attempt back: the account's failures are forgotten. It travels with the next statement."""
    later(session, delete(SignInThrottle).where(SignInThrottle.subject == was.account))
    fewer = update(SignInThrottle).where(SignInThrottle.subject == was.network, SignInThrottle.failures > 0)
    later(session, fewer.values(failures=SignInThrottle.failures - 1, blocked_until=None))


def forget(session: Session) -> int:
    """Delete what says nothing any more, in a sweep. Returns how many."""
    old = text("DELETE FROM sign_in_throttles WHERE last_failed_at < clock_timestamp() - interval '2 days'")
    return int(session.connection().execute(old).rowcount)
