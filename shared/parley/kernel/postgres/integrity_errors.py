"""What the database's errors mean for who asked through SQLAlchemy. The list is `db_errors`."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from parley.kernel.postgres import db_errors
from parley.kernel.postgres.db_errors import LOCK_NOT_AVAILABLE
from parley.kernel.values.errors import Refusal

__all__ = ["LOCK_NOT_AVAILABLE", "constraint", "is_lost", "is_passing", "sqlstate", "violation_means"]


def sqlstate(error: DBAPIError) -> str:
    """The five characters of the SQLSTATE, or an empty string when the error did not come from the server."""
    return db_errors.fields(error.orig).get("C", "")


def constraint(error: DBAPIError) -> str:
    """The name of the violated constraint, or an empty string."""
    return db_errors.fields(error.orig).get("n", "")


def is_lost(error: DBAPIError) -> bool:
    """Whether the connection is of no more use: whoever needs the database needs another one."""
    return error.connection_invalidated or db_errors.meaning(error.orig).is_lost


def is_passing(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed a moment later: the database is away, busy, read-only, or broke a deadlock."""
    return error.connection_invalidated or db_errors.meaning(error.orig).passes


@contextmanager
def violation_means(name: str, refusal: Refusal) -> Iterator[None]:
    """Turn the violation of the constraint or unique index `name` into a refusal; everything else passes through."""
    try:
        yield
    except DBAPIError as error:
        if sqlstate(error).startswith("23") and constraint(error) == name:
            raise refusal from error
        raise
