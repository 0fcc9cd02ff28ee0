"""Transactions. One connection an execution environment, one transaction a request, committed here and nowhere else."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.orm.unitofwork import UOWTransaction, _SaveUpdateAll

from parley.kernel import dialect, gather, outbox
from parley.kernel.callers import Caller
from parley.kernel.models import SoftDeleted
from parley.kernel.once import Once
from parley.kernel.settings import is_set, setting

# Nothing here outlives the transaction: behind a transaction-pooling proxy a session-level SET would pin the connection.
_LIMITS = "set local statement_timeout = '20s'; set local lock_timeout = '5s'; set local idle_in_transaction_session_timeout = '30s'"
_ANSWER_SECONDS = 25
_LIVE_ROWS = with_loader_criteria(SoftDeleted, lambda row: row.deleted_at.is_(None), include_aliases=True)


def connect_arguments(url: str) -> dict[str, Any]:
    """pg8000's arguments for a `postgresql://` URL. TLS is verified wherever the server is not on this machine."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    arguments: dict[str, Any] = {
        "user": unquote(parts.username or "parley_app"),
        "database": parts.path.lstrip("/") or "parley",
        "timeout": _ANSWER_SECONDS,
        "application_name": setting("AWS_LAMBDA_FUNCTION_NAME", "parley"),
    }
    if "unix_sock" in query:
        return arguments | {"unix_sock": query["unix_sock"], "password": unquote(parts.password or "")}
    arguments |= {"host": parts.hostname or "127.0.0.1", "port": parts.port or 5432}
    if arguments["host"] not in ("127.0.0.1", "localhost", "::1"):
        arguments["ssl_context"] = ssl.create_default_context(cafile=setting("DATABASE_CA_BUNDLE", "") or None)
    if setting("DATABASE_IAM", "") == "true":
        from parley.kernel import signed

        arguments["password"] = signed.database_token(arguments["host"], arguments["port"], arguments["user"])
    else:
        arguments["password"] = unquote(parts.password or "")
    return arguments


@cache
def engine(name: str = "DATABASE_URL") -> Engine:
    """The engine behind a setting; it connects when first used."""
    size = int(setting("DATABASE_POOL_SIZE", "1"))
    # Errors are logged, and parameters hold names and addresses.
    made = create_engine(f"{dialect.NAME}://", pool_size=size, max_overflow=4, pool_recycle=840, hide_parameters=True)

    @event.listens_for(made, "do_connect")
    def connect(_dialect: Any, _record: Any, _arguments: Any, keywords: dict[str, Any]) -> None:
        keywords.update(connect_arguments(setting(name)))

    return made


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


class TenantSession(Session):
    """A session that sends a flush's INSERTs together and does not show soft-deleted rows.

    To see them, execute with `execution_options={"with_deleted": True}`.
    """


@event.listens_for(TenantSession, "before_attach")
def _belong(session: Session, row: Any) -> None:
    if "caller" in session.info and getattr(row, "organization_id", row) is None:
        row.organization_id = session.info["caller"].organization_id


@event.listens_for(TenantSession, "before_flush")
def _gather(session: Session, flush: UOWTransaction, *_: Any) -> None:
    gather.driver(session.connection()).gathers = ("INSERT",)
    _insert_parents_first(session, flush)


def _insert_parents_first(session: Session, flush: UOWTransaction) -> None:
    """Order a flush by foreign keys. SQLAlchemy orders by relationships alone, and we have none: ids are known before the insert.

    The name is private to SQLAlchemy, whose version is pinned; every test that writes a parent and a child would notice.
    """
    mappers = {row.__tablename__: inspect(type(row)) for row in session.new}
    for mapper in mappers.values():
        for parent in _parents(mapper.local_table) & (mappers.keys() - {mapper.local_table.name}):
            saved = [_SaveUpdateAll(flush, each) for each in (mappers[parent], mapper)]  # type: ignore[no-untyped-call]  # private
            flush.dependencies.add(tuple(saved))


@cache
def _parents(table: Table) -> frozenset[str]:
    return frozenset(key.target_fullname.split(".")[0] for key in table.foreign_keys)


@event.listens_for(TenantSession, "after_flush")
def _settle(session: Session, *_: Any) -> None:
    driver = gather.driver(session.connection())
    driver.gathers = ()
    if driver.has_waiting and not session.info.get("is_ending"):
        session.connection().exec_driver_sql(";")


@event.listens_for(TenantSession, "do_orm_execute")
def _hide_deleted(state: ORMExecuteState) -> None:
    if state.is_select and not state.is_column_load and not state.execution_options.get("with_deleted"):
        state.statement = state.statement.options(_LIVE_ROWS)


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


def is_configured() -> bool:
    return is_set("DATABASE_URL")
