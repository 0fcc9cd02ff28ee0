"""What the database's errors mean. pg8000 raises `IntegrityError` for 23505 alone, so the SQLSTATE decides, here and nowhere else.

Source of the codes: PostgreSQL, Appendix A.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from parley.kernel.errors import Refusal

LOCK_NOT_AVAILABLE = "55P03"
UNIQUE_VIOLATION = "23505"
EXCLUSION_VIOLATION = "23P01"
_GONE = ("08", "57P01", "57P02", "57P03", "57P05")
_AGAIN = ("40001", "40P01", "53", "55P03", "57014")


def _fields(error: BaseException) -> dict[str, str]:
    said = error.args[0] if error.args else None
    return said if isinstance(said, dict) else {}


def sqlstate(error: DBAPIError) -> str:
    """The five characters of the SQLSTATE, or an empty string when the error did not come from the server."""
    return _fields(error.orig).get("C", "") if error.orig else ""


def constraint(error: DBAPIError) -> str:
    """The name of the violated constraint, or an empty string."""
    return _fields(error.orig).get("n", "") if error.orig else ""


def is_gone(error: BaseException) -> bool:
    """Whether a driver's error means that the connection is of no more use."""
    return _fields(error).get("C", "").startswith(_GONE)


def is_passing(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed a moment later: the database is away, busy, or broke a deadlock."""
    code = sqlstate(error)
    return error.connection_invalidated or not code or code.startswith(_GONE + _AGAIN)


@contextmanager
def violation_means(name: str, refusal: Refusal) -> Iterator[None]:
    """Turn the violation of the constraint or unique index `name` into a refusal; everything else passes through."""
    try:
        yield
    except DBAPIError as error:
        if sqlstate(error).startswith("23") and constraint(error) == name:
            raise refusal from error
        raise
