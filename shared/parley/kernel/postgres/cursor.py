"""What pg8000 does slowly for each statement and row, done once or quickly."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from pg8000.converters import timestamptz_in
from pg8000.dbapi import convert_paramstyle
from pg8000.exceptions import InterfaceError
from pg8000.legacy import Cursor

BEGIN = "begin transaction"
_REMEMBERED_LENGTH = 16 * 1024


@lru_cache(maxsize=256)
def numbered(statement: str) -> str:
    """`%s` becomes `$1`. pg8000 reads a statement character by character each time: a fifth of a booking's CPU."""
    translated: str = convert_paramstyle("format", statement, ())[0]
    return translated


def instant(text: str) -> Any:
    """What PostgreSQL writes is ISO 8601; pg8000 reads it with `strptime`, which takes fifty times as long."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return timestamptz_in(text)  # infinity, or a year that Python does not have


class QuickCursor(Cursor):  # type: ignore[misc]  # pg8000 has no types
    """pg8000's cursor with the translation of parameters remembered. Errors stay as they are: `db_errors` reads their SQLSTATE."""

    _input_oids: Sequence[int]

    def execute(self, operation: str, args: Sequence[Any] = (), stream: Any = None) -> Any:
        if not args or stream is not None:
            return super().execute(operation, args, stream)
        connection: Any = self._c
        if connection is None:
            raise InterfaceError("Cursor closed")
        if not connection._in_transaction and not connection.autocommit:  # noqa: SLF001  # the stock cursor asks so
            connection.execute_simple(BEGIN)
        translated = numbered(operation) if len(operation) <= _REMEMBERED_LENGTH else numbered.__wrapped__(operation)
        self._context = connection.execute_unnamed(translated, vals=args, oids=self._input_oids)
        self._row_iter = iter(self._context.rows or ())
        self._input_oids = ()
        return self
