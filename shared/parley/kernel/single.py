"""One SELECT for an organization, without SQLAlchemy: for the authorizer, which asks nothing else, and whose cold start others wait for."""

from typing import Any
from uuid import UUID

from pg8000.exceptions import DatabaseError, InterfaceError

from parley.kernel.pipeline import PipelinedConnection
from parley.kernel.places import connect_arguments
from parley.kernel.settings import setting

_idle: dict[str, list[PipelinedConnection]] = {}  # by address; one in an execution environment


def lookup_of(organization_id: UUID, statement: str) -> list[tuple[Any, ...]]:
    """Rows of one SELECT without parameters, under the policies of an organization: one round trip, outside any transaction of ours.

    A connection that died while the environment was frozen is replaced, once.
    """
    asked = f"set local app.organization_id = '{UUID(str(organization_id))}'; set local statement_timeout = '5s'; {statement}"
    url = setting("DATABASE_URL")
    waiting = _idle.setdefault(url, [])
    if waiting:
        connection = waiting.pop()
        try:
            return _asked(connection, asked, waiting)
        except (DatabaseError, InterfaceError, OSError):
            connection.close()
    return _asked(PipelinedConnection(**connect_arguments(url)), asked, waiting)


def _asked(connection: PipelinedConnection, statement: str, waiting: list[PipelinedConnection]) -> list[tuple[Any, ...]]:
    rows = [tuple(row) for row in connection.execute_simple(statement).rows or ()]
    waiting.append(connection)
    return rows


def hang_up() -> None:
    """Close what is idle, as the end of a process does. For tests and benchmarks."""
    while _idle:
        for connection in _idle.popitem()[1]:
            connection.close()
