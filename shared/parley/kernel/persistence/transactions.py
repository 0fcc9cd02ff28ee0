"""Transactions. One connection an execution environment, one transaction a request, committed here and nowhere else.

The caller of a transaction is in `session.info["caller"]`: whose rows are seen and written, for queries and for what is written for every
domain alike (outbox, directory, logs). A service function takes a `caller` beside it only when it asks who that is, or audits in their
name: that one may be somebody else than the transaction's, as a person who joins an organization.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from parley.kernel.access import admission, rate_limits
from parley.kernel.access.callers import NOWHERE, Caller
from parley.kernel.persistence import outbox
from parley.kernel.persistence.idempotency_key import IdempotentRequest
from parley.kernel.persistence.tenant_session import TenantSession
from parley.kernel.postgres import deferred
from parley.kernel.postgres.database_engine import engine

__all__ = [
    "bearing", "engine", "joining", "lookup", "lookup_bearing", "personal", "round_trips", "spend", "sweep", "transaction",
]  # fmt: skip

# Nothing here outlives the transaction: behind a transaction-pooling proxy a session-level SET would pin the connection.
_LIMITS = "set local statement_timeout = '20s'; set local lock_timeout = '5s'; set local idle_in_transaction_session_timeout = '30s'"


def _first(statement: str, parameters: tuple[Any, ...] = (), *, autocommit: bool = False) -> tuple[Connection, Any]:
    """A connection on which `statement` has run. A socket that died while the environment was frozen is replaced, once."""
    for attempt in (1, 2):
        connection = engine().connect()
        try:
            deferred.driver_connection(connection).autocommit = autocommit
            return connection, connection.exec_driver_sql(statement, parameters)
        except DBAPIError as error:
            connection.close()
            if attempt == 2 or not error.connection_invalidated:
                raise
        except BaseException:
            connection.close()
            raise
    raise AssertionError


def lookup(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Rows of one SELECT outside any transaction and tenant: one round trip. For the directory."""
    connection, result = _first(statement, parameters, autocommit=True)
    try:
        return [tuple(row) for row in result]
    finally:
        deferred.driver_connection(connection).autocommit = False
        connection.close()


def spend(*spending: rate_limits.Spending) -> None:
    """Count, in one round trip and a transaction of its own. Raises `RateLimitExceeded`, and then has counted nothing.

    `transaction(..., spending=...)` does the same in the round trip with which it begins.
    """
    if spending:
        rows = lookup(rate_limits.spending_query(spending))
        rate_limits.raise_if_exceeded(spending, [(int(position), float(wait)) for position, wait in rows])


@contextmanager
def _session(
    setting_up: str, caller: Caller | None = None, question: str = "", spending: Sequence[rate_limits.Spending] = ()
) -> Iterator[Session]:
    """A session whose transaction begins with `setting_up`. A question of `admission`, or else what is to be spent of `rate_limits`, is
    asked before, in the same round trip. What a visitor owes for the request is counted with it."""
    dues = caller.dues if caller is not None else None
    spending = (*(dues.take() if dues is not None else ()), *spending)
    if question:
        spend(*spending)
        spending = ()
    elif spending:
        question = rate_limits.spending_query(spending)
    prefix = (
        f"{setting_up}; set local synchronous_commit = off; set local lock_timeout = '2s'; {question}; commit; begin; " if question else ""
    )
    connection, answer = _first(f"{prefix}{setting_up}; {_LIMITS}")
    try:
        if spending:
            refused = [(int(position), float(wait)) for position, wait in answer]
            rate_limits.raise_if_exceeded(spending, dues.bear(spending, refused) if dues is not None else refused)
        elif question and caller is not None and caller.admission is not None:
            admission.apply_result(caller.admission, answer.one())
        with TenantSession(connection, join_transaction_mode="control_fully", expire_on_commit=False) as session:
            yield session
            session.info["is_ending"] = True
            session.commit()
    finally:
        connection.close()


def _unchecked(caller: Caller) -> admission.Admission | None:
    return caller.admission if caller.admission is not None and not caller.admission.is_checked else None


def _claim(session: Session, caller: Caller, once: IdempotentRequest) -> None:
    if once.key is not None:
        from parley.kernel.persistence import idempotency  # its table, for who sends a key

        idempotency.claim(session, caller, once)


@contextmanager
def transaction(
    caller: Caller, once: IdempotentRequest | None = None, *, person: UUID | None = None, spending: Sequence[rate_limits.Spending] = ()
) -> Iterator[Session]:
    """One transaction for the caller's organization; commits at the end of the block, then kicks the relay if anything was announced.

    With `once`, the request's idempotency key is claimed first: raises `idempotency.Replayed` when this request was answered before.
    With `person`, that user's own rows are visible beside the organization's: their memberships of other organizations too, so such a
    block names the organization in what it selects. The first transaction of a request raises the refusals of `admission.apply_result`.
    With `spending`, that is counted first and by itself, whatever becomes of the transaction: raises `RateLimitExceeded`.
    Objects stay readable after the commit.
    """
    setting_up = f"set local app.organization_id = '{UUID(str(caller.organization_id))}'"
    waiting = _unchecked(caller)
    question = admission.query_of_caller(caller.actor_type.value, caller.actor_id, caller.role, waiting) if waiting else ""
    if person is not None:
        setting_up += f"; set local app.user_id = '{UUID(str(person))}'"
    with _session(setting_up, caller, question, spending) as session:
        session.info["caller"] = caller
        if once is not None:
            _claim(session, caller, once)
        yield session
    if session.info.get("has_announced"):
        outbox.kick()


@contextmanager
def joining(caller: Caller, organization_id: UUID, once: IdempotentRequest | None = None) -> Iterator[Session]:
    """One transaction of a person at the door of an organization that they do not work for yet: to found it, or to accept its invitation.

    They are admitted as themself, and see that organization's rows beside their own: who uses this proves before anything else that they
    may come in. An idempotency key is the person's, whatever the organization. `session.info["caller"]` acts for the organization.
    """
    person, organization = UUID(str(caller.actor_id)), UUID(str(organization_id))
    setting_up = f"set local app.organization_id = '{organization}'; set local app.user_id = '{person}'"
    waiting = _unchecked(caller)
    with _session(setting_up, caller, admission.query_of_person(person, waiting) if waiting else "") as session:
        session.info["caller"] = caller.acting_for(organization)
        if once is not None:
            _claim(session, caller.acting_for(NOWHERE), once)
        yield session
    if session.info.get("has_announced"):
        outbox.kick()


@contextmanager
def personal(caller: Caller, user_id: UUID | None = None) -> Iterator[Session]:
    """One transaction of a person, for no organization: their own rows of the tables that belong to users, and nothing else.

    `user_id` for a caller who is not yet known to be that person, as while logging in. Organizations that the person belongs to can be
    read here, not changed. What is audited or announced belongs to no organization; an audit
    row for one of the person's own is written with `caller.acting_for(…)`.
    """
    person = UUID(str(user_id or caller.actor_id))
    setting_up = f"set local app.user_id = '{person}'; set local app.organization_id = '{NOWHERE}'"
    waiting = _unchecked(caller)
    with _session(setting_up, caller, admission.query_of_person(person, waiting) if waiting else "") as session:
        session.info["caller"] = replace(caller, organization_id=NOWHERE)
        session.info["user_id"] = person
        yield session
    if session.info.get("has_announced"):
        outbox.kick()


def _proof(digest: str) -> str:
    return f"set local app.secret_digest = '{bytes.fromhex(digest).hex()}'"


@contextmanager
def bearing(caller: Caller, digest: str, person: UUID | None = None) -> Iterator[Session]:
    """One transaction of who presents a secret: the rows that it was stored for (`secret_hashes.digest`) are visible, and nothing else.

    With `person`, whom the secret proves somebody to be, that user's own rows too.
    """
    setting_up = f"{_proof(digest)}; set local app.organization_id = '{NOWHERE}'"
    if person is not None:
        setting_up += f"; set local app.user_id = '{UUID(str(person))}'"
    with _session(setting_up, caller) as session:
        session.info["caller"] = replace(caller, organization_id=NOWHERE)
        yield session
    if session.info.get("has_announced"):
        outbox.kick()


def lookup_bearing(digest: str, statement: str) -> list[tuple[Any, ...]]:
    """Rows of one SELECT without parameters, for who presents a secret: one round trip, outside any transaction of ours."""
    connection, result = _first(f"{_proof(digest)}; {statement}", autocommit=True)
    try:
        return [tuple(row) for row in result]
    finally:
        deferred.driver_connection(connection).autocommit = False
        connection.close()


@contextmanager
def sweep() -> Iterator[Session]:
    """One transaction of the product's own upkeep, over every tenant: only tables whose policy names it show their rows."""
    with _session("set local app.organization_id = ''; set local app.is_sweep = 'on'") as session:
        yield session


def round_trips(session: Session) -> int:
    """How often this session's connection has waited for the server so far. For tests and benchmarks."""
    return deferred.driver_connection(session.connection()).round_trips
