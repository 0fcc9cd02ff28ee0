"""Repeated failures slow down: those of one account from one network, those of one account from everywhere, those of one network.

An attempt is counted before its password is looked at, in one statement that commits by itself; a success takes its count back. So many
guesses at once are bounded like many guesses in a row, and an address without an account is counted like one with an account. While one of
its counts waits, an attempt is refused and none of them changes: asking again prolongs nothing.

Nobody keeps a person out: what strangers get wrong counts for their network, and a device that was logged in before (`devices`) is counted
by itself. The guard over all networks is for guesses from very many of them, and holds up devices that are new.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from parley.identity.models import SignInThrottle, User
from parley.kernel.access import device_tokens, rate_limits
from parley.kernel.access.callers import Caller
from parley.kernel.persistence import directory, transactions
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values import secret_hashes
from parley.kernel.values.clock import now
from parley.kernel.values.errors import TooManyRequests

FREE_FAILURES = 5
"""Failures of one account that cost nothing; then one second, doubling with each."""
LONGEST_SECONDS = 15 * 60
FOUNDED_A_DAY = 20
"""Organizations that one person may found."""
NETWORK, EVERYWHERE = (300, 3), (50, 60)
"""How many at once, and after how many seconds one more: attempts from a network, attempts of new devices to come into one account."""

# A failure is forgotten after a day without another.
_DOUBLING = f"""
    failures = CASE WHEN t.last_failed_at < clock_timestamp() - interval '1 day' THEN 1 ELSE t.failures + 1 END,
    last_failed_at = clock_timestamp(),
    blocked_until = CASE WHEN t.failures + 1 >= {FREE_FAILURES} AND t.last_failed_at >= clock_timestamp() - interval '1 day'
        THEN clock_timestamp() + least(2 ^ (least(t.failures + 1, 40) - {FREE_FAILURES}), {LONGEST_SECONDS}) * interval '1 s' END
"""


def _leaky(most: int, seconds: int) -> str:
    left = f"greatest(0, t.failures - floor(extract(epoch FROM clock_timestamp() - t.last_failed_at) / {seconds})::integer)"
    return f"""
        failures = {left} + 1, last_failed_at = clock_timestamp(),
        blocked_until = CASE WHEN {left} + 1 >= {most} THEN clock_timestamp() + {seconds} * interval '1 s' END
    """


def _counting(*changes: str) -> str:
    """One statement for some counts: all of them rise, or none does. It takes the subjects, in their order, and the key of an address."""
    may = ["NOT EXISTS (SELECT FROM waiting)", *(f"EXISTS (SELECT FROM c{number})" for number in range(1, len(changes)))]
    counts = ", ".join(
        f"""c{number} AS (
            INSERT INTO sign_in_throttles AS t (subject, failures, last_failed_at)
            SELECT s.subjects[{number}], 1, clock_timestamp() FROM s WHERE {condition}
            ON CONFLICT (subject) DO UPDATE SET {change} WHERE t.blocked_until IS NULL OR t.blocked_until <= clock_timestamp()
            RETURNING failures
        )"""  # noqa: S608  # numbers of ours
        for number, (condition, change) in enumerate(zip(may, changes, strict=True), 1)
    )
    return f"""
        WITH s AS (SELECT string_to_array(%s, ' ') AS subjects),
        waiting AS MATERIALIZED (
            SELECT t.subject FROM sign_in_throttles t, s WHERE t.subject = ANY (s.subjects) AND t.blocked_until > clock_timestamp()
        ), {counts}
        SELECT CASE WHEN EXISTS (SELECT FROM c{len(changes)}) THEN (SELECT failures FROM c1) END,
            (SELECT max(t.blocked_until) FROM sign_in_throttles t, s WHERE t.subject = ANY (s.subjects)),
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
_ATTEMPT = _counting(_DOUBLING, _leaky(*NETWORK))
_OF_STRANGER = _counting(_DOUBLING, _leaky(*NETWORK), _leaky(*EVERYWHERE))


class TooManyAttempts(TooManyRequests):
    """Too many failures of this account or from this network address."""


class TooManyOrganizations(TooManyRequests):
    """This person has founded as many as one may in a day."""


@dataclass(frozen=True, slots=True)
class ThrottledAttempt:
    """One that was counted. `user_id` is whose address it is, if anybody's; `failures` how many of its kind it makes, if it fails.

    `subjects`: what doubles its wait; the network; for a device that is new, the guard of the account."""

    subjects: tuple[str, ...]
    user_id: UUID | None
    failures: int


def _network(address: str | None) -> str:
    """The keyed hash of a network: an address, or the /64 of IPv6, which is what one customer has."""
    return secret_hashes.digest("throttled network", rate_limits.network(address))


def second_factor_subject(user: User, caller: Caller) -> str:
    """Codes of a second factor are few: new devices are counted together, from wherever. Only who has proved the first factor counts."""
    device = device_tokens.verified_name(caller.device_token, user.email) if user.email else None
    return secret_hashes.digest("throttled second factor", f"{user.id} {device}" if device else str(user.id))


def proof_subject(user_id: UUID) -> str:
    """What somebody who is logged in proves once more."""
    return secret_hashes.digest("throttled proof", str(user_id))


def count_log_in(email: str, caller: Caller) -> ThrottledAttempt:
    """Count an attempt to come in, and look the address up, in one round trip. Raises `TooManyAttempts`."""
    account, network = email.strip().lower(), _network(caller.ip_address)
    device = device_tokens.verified_name(caller.device_token, account)
    subjects: tuple[str, ...]
    if device:
        subjects = secret_hashes.digest("throttled device", f"{account} {device}"), network
    else:
        subject, everywhere = (
            secret_hashes.digest("throttled account", f"{account} {network}"),
            secret_hashes.digest("throttled account", account),
        )
        subjects = subject, network, everywhere
    return _counted(transactions.lookup(_ATTEMPT if device else _OF_STRANGER, " ".join(subjects), directory.personal(email))[0], subjects)


def count_attempt(session: Session, subject: str, ip: str | None) -> ThrottledAttempt:
    """Count one in a transaction, which has to commit whatever comes of the attempt. Raises `TooManyAttempts`."""
    subjects = (subject, _network(ip))
    row = session.connection().exec_driver_sql(_ATTEMPT, (" ".join(subjects), "")).one()
    return _counted(tuple(row), subjects)


def _counted(row: tuple[Any, ...], subjects: tuple[str, ...]) -> ThrottledAttempt:
    counted, until, user_id = row
    if counted is None:
        raise _refused(until)
    return ThrottledAttempt(subjects, user_id, int(counted))


def count_organization(session: Session, user_id: UUID) -> None:
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


def take_back(session: Session, was: ThrottledAttempt) -> None:
    """Take the counts of an attempt back: its failures in a row are forgotten. It travels with the next statement."""
    subject, *shared = was.subjects
    execute_later(session, delete(SignInThrottle).where(SignInThrottle.subject == subject))
    fewer = update(SignInThrottle).where(SignInThrottle.subject.in_(shared), SignInThrottle.failures > 0)
    execute_later(session, fewer.values(failures=SignInThrottle.failures - 1, blocked_until=None))


def forget(session: Session) -> int:
    """Delete what says nothing any more, in a sweep. Returns how many."""
    old = text("DELETE FROM sign_in_throttles WHERE last_failed_at < clock_timestamp() - interval '2 days'")
    return int(session.connection().execute(old).rowcount)
