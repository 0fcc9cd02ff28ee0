"""The statements of a request, written down once and sent again by bare pg8000: the request if it were nothing but its SQL."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pg8000.dbapi
from pg8000.types import Range
from sqlalchemy import event

from parley.kernel.persistence import transactions
from parley.kernel.postgres import connection_settings
from parley.kernel.values.ids import new_id
from parley.kernel.values.settings import setting

Statement = tuple[str, tuple[Any, ...]]


def statements_of(request: Callable[[], object]) -> list[Statement]:
    """What a request sends, in order, with its parameters as the driver gets them."""
    sent: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, is_many: bool) -> None:
        if statement != ";":  # asks for answers that wait; here none does
            sent.extend((statement, tuple(values)) for values in (parameters if is_many else [parameters]))

    event.listen(transactions.engine(), "before_cursor_execute", note)
    try:
        request()
    finally:
        event.remove(transactions.engine(), "before_cursor_execute", note)
    return sent


class Bare:
    """One connection of bare pg8000. Looks into the directory come before the transaction, outside of it, as in the product."""

    def __init__(self) -> None:
        self._connection = pg8000.dbapi.connect(**connection_settings.connect_arguments(setting("DATABASE_URL")))

    def close(self) -> None:
        self._connection.close()

    def send(self, statements: list[Statement]) -> int:
        """Returns how many rows came back."""
        cursor, count = self._connection.cursor(), 0
        self._connection.autocommit = True
        for statement, parameters in statements:
            if statement.startswith("set local"):
                self._connection.autocommit = False
            cursor.execute(statement, parameters)
            if cursor.description is not None:
                count += len(cursor.fetchall())
        self._connection.commit()
        return count


class Anew:
    """The same statements with other new ids, keys and hashes, and with times of the future moved; what was there before is kept."""

    def __init__(self, statements: list[Statement], kept: set[str]) -> None:
        self._statements = statements
        self._kept = kept
        self._ahead = datetime.now(UTC) + timedelta(hours=1)

    def moved(self, by: timedelta) -> list[Statement]:
        made: dict[Any, Any] = {}
        return [(statement, tuple(self._other(value, by, made) for value in values)) for statement, values in self._statements]

    def _other(self, value: Any, by: timedelta, made: dict[Any, Any]) -> Any:
        if isinstance(value, datetime):
            return value + by if value > self._ahead else value
        if isinstance(value, Range):
            return Range(value.lower + by, value.upper + by, value.bounds)
        if not isinstance(value, (UUID, str)) or str(value) in self._kept:
            return value
        if isinstance(value, UUID):
            return made.setdefault(value, new_id())
        if len(value) == 36 and value.count("-") == 4:
            return made.setdefault(value, str(new_id()))
        return made.setdefault(value, secrets.token_hex(32)) if len(value) == 64 and " " not in value else value
