"""Transactions. One connection an execution environment, one transaction a request, committed here and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from parley.kernel import gather, outbox
from parley.kernel.callers import Caller
from parley.kernel.connections import engine
from parley.kernel.once import Once
from parley.kernel.sessions import TenantSession

__all__ = ["engine", "lookup", "round_trips", "sweep", "transaction"]

# Nothing here outlives the transaction: behind a transaction-pooling proxy a session-level SET would pin the connection.
_LIMITS = "set local statement_timeout = '20s'; set local lock_timeout = '5s'; set local idle_in_transaction_session_timeout = '30s'"


def _first(statement: str, parameters: tuple[Any, ...] = (), *, autocommit: bool = False) -> tuple[Connection, Any]:
    """A connection on which `statement` has run. A socket that died while the environment was frozen is replaced, once."""
    for attempt in (1, 2):
        connection = engine().connect()
        try:
            gather.driver(connection).autocommit = autocommit
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
        gather.driver(connection).autocommit = False
        connection.close()


@contextmanager
def _session(setting_up: str) -> Iterator[Session]:
    connection, _ = _first(f"{setting_up}; {_LIMITS}")
    try:
        with TenantSession(connection, join_transaction_mode="control_fully", expire_on_commit=False) as session:
            yield session
            session.info["is_ending"] = True
            session.commit()
    finally:
        connection.close()


@contextmanager
def transaction(caller: Caller, once: Once | None = None) -> Iterator[Session]:
    """One transaction for the caller's organization; commits at the end of the block, then kicks the relay if anything was announced.

    With `once`, the request's idempotency key is claimed first: raises `idempotency.Replayed` when this request was answered before.
    Objects stay readable after the commit.
    """
    with _session(f"set local app.organization_id = '{UUID(str(caller.organization_id))}'") as session:
        session.info["caller"] = caller
        if once is not None:
            once.claim(session, caller)
        yield session
    if session.info.get("has_announced"):
        outbox.kick()


@contextmanager
def sweep() -> Iterator[Session]:
    """One transaction of the product's own upkeep, over every tenant: only tables whose policy names it show their rows."""
    with _session("set local app.organization_id = ''; set local app.is_sweep = 'on'") as session:
        yield session


def round_trips(session: Session) -> int:
    """How often this session's connection has waited for the server so far. For tests and benchmarks."""
    return gather.driver(session.connection()).round_trips
