"""One SELECT for an organization, without SQLAlchemy: for the authorizer, which asks nothing else, and whose cold start others wait for."""

from typing import Any
from uuid import UUID

from pg8000.exceptions import DatabaseError, InterfaceError

from parley.kernel.postgres import db_errors
from parley.kernel.postgres.connection_settings import connect_arguments
from parley.kernel.postgres.pipeline import PipelinedConnection
from parley.kernel.values.settings import setting

_idle: dict[str, list[PipelinedConnection]] = {}  # by address; one in an execution environment
# Two tries of it are less than the ten seconds that API Gateway waits for an authorizer.
PATIENCE_SECONDS = 3


class LookupFailed(Exception):
    """The database gave no answer, or an error instead of one."""


def lookup_of(organization_id: UUID, statement: str) -> list[tuple[Any, ...]]:
    """Rows of one SELECT without parameters, under the policies of an organization: one round trip, outside any transaction of ours.

    A connection that died while the environment was frozen is replaced, once. Raises `LookupFailed`.
    """
    setting_up = f"set local app.organization_id = '{UUID(str(organization_id))}'; set local statement_timeout = '{PATIENCE_SECONDS}s'"
    url = setting("DATABASE_URL")
    idle = _idle.setdefault(url, [])
    try:
        if idle:
            try:
                return _rows(idle.pop(), f"{setting_up}; {statement}", idle)
            except (DatabaseError, InterfaceError, OSError) as error:
                if not db_errors.meaning(error).is_lost:
                    raise
        fresh = PipelinedConnection(**connect_arguments(url) | {"timeout": PATIENCE_SECONDS})
        return _rows(fresh, f"{setting_up}; {statement}", idle)
    except (DatabaseError, InterfaceError, OSError) as error:
        raise LookupFailed(str(error)) from error


def _rows(connection: PipelinedConnection, statement: str, idle: list[PipelinedConnection]) -> list[tuple[Any, ...]]:
    """The connection is idle again afterwards; after an error it is closed: there is no pool here that would clear it up."""
    try:
        rows = [tuple(row) for row in connection.execute_simple(statement).rows or ()]
    except BaseException:
        connection.close()
        raise
    idle.append(connection)
    return rows


def hang_up() -> None:
    """Close what is idle, as the end of a process does. For tests and benchmarks."""
    while _idle:
        for connection in _idle.popitem()[1]:
            connection.close()
