"""The time, in one place: this machine's, and the database's for what machines compare with each other."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

# A test puts another one here, and the whole product lives at another time.
_read = partial(datetime.now, UTC)
# And here, so that the database is there, too. With `_read` alone, this machine's clock is off.
_read_of_database: Callable[[], datetime] | None = None


def now() -> datetime:
    """The current instant, in UTC."""
    return _read()


def of_database() -> "ColumnElement[datetime]":
    """When the transaction began, by the database's clock, as SQL: for an instant that one machine writes and another one compares."""
    from sqlalchemy import DateTime, func, literal

    return func.now() if _read_of_database is None else literal(_read_of_database(), DateTime(timezone=True))
