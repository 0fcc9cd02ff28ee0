"""Lists page by keyset: a cursor names the last row seen, nothing is counted, and page 1,000 costs what page 1 costs."""

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar, TypeVarTuple
from uuid import UUID

from annotated_types import Interval, MaxLen
from pydantic import BaseModel
from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from parley.kernel.values.errors import BadRequest
from parley.kernel.values.fields import is_storable

Item = TypeVar("Item")
Shown = TypeVar("Shown", bound=BaseModel)
Row = TypeVar("Row")
Columns = TypeVarTuple("Columns")

# Not pydantic's Field: the router takes that for a declaration of where the parameter comes from.
Limit = Annotated[int, Interval(ge=1, le=100)]
Cursor = Annotated[str, MaxLen(600)]


MOST_BYTES = 5_000_000
"""Of what a list answers, as a function hands it over: as text in JSON, which Lambda takes up to 6 MB of. What strangers write is long."""


class Page(BaseModel, Generic[Item]):
    """A page of a list. `next_cursor` asks for the following one; null on the last."""

    items: list[Item]
    next_cursor: str | None


class BadCursor(BadRequest):
    """The cursor was not made by this list."""


def cursor_after(*values: Any) -> str:
    """The cursor of what follows the row whose keys have these values."""
    plain = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).rstrip(b"=").decode()


def count_that_fits(texts: Iterable[str]) -> int:
    """How many of these, from the first on, one answer has room for; one at least, if there is one."""
    size = count = 0
    for text in texts:
        size += len(json.dumps(text, ensure_ascii=False).encode())
        if size > MOST_BYTES and count:
            break
        count += 1
    return count


def bounded_page(items: Sequence[Shown], keys: Sequence[InstrumentedAttribute[Any]], next_cursor: str | None) -> Page[Shown]:
    """A page of as many items as one answer has room for, and the cursor of the rest. Items have attributes named like `keys`."""
    count = count_that_fits(item.model_dump_json() for item in items)
    if count == len(items):
        return Page(items=list(items), next_cursor=next_cursor)
    return Page(items=list(items[:count]), next_cursor=cursor_after(*(getattr(items[count - 1], key.key) for key in keys)))


def _decode(cursor: str, keys: Sequence[InstrumentedAttribute[Any]]) -> list[Any]:
    try:
        plain = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(plain, list):
            raise TypeError
        values = [_typed(text, key.type.python_type) for text, key in zip(plain, keys, strict=True)]
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError):
        raise BadCursor("This cursor is not one of this list; start again without a cursor.") from None
    return values


def _typed(text: Any, kind: type) -> Any:
    if not isinstance(text, str) or not is_storable(text):
        raise TypeError
    if kind is datetime:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError
        return instant.astimezone(UTC)
    return UUID(text) if kind is UUID else kind(text)


def page(
    session: Session,
    statement: Select[Row],
    keys: Sequence[InstrumentedAttribute[Any]],
    *,
    cursor: str | None,
    limit: int,
    descending: bool = True,
) -> tuple[Sequence[Row], str | None]:
    """One page of a SELECT of one entity, ordered by `keys` (not null, the last one unique), and the cursor of the next. One query."""
    rows = session.scalars(_part(statement, keys, cursor, limit, descending)).all()
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], cursor_after(*(getattr(last, key.key) for key in keys))


def joined_page(
    session: Session,
    statement: Select[*Columns],
    keys: Sequence[InstrumentedAttribute[Any]],
    *,
    cursor: str | None,
    limit: int,
    descending: bool = True,
) -> tuple[Sequence[tuple[*Columns]], str | None]:
    """The same for a SELECT of several entities and columns; `keys` are of the first."""
    rows = [tuple(row) for row in session.execute(_part(statement, keys, cursor, limit, descending))]
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1][0]
    return rows[:limit], cursor_after(*(getattr(last, key.key) for key in keys))


def _part(statement: Any, keys: Sequence[InstrumentedAttribute[Any]], cursor: str | None, limit: int, descending: bool) -> Any:
    ordered = statement.order_by(*(key.desc() if descending else key.asc() for key in keys)).limit(limit + 1)
    if cursor is not None:
        after = _decode(cursor, keys)
        position = tuple_(*keys)
        ordered = ordered.where(position < tuple_(*after) if descending else position > tuple_(*after))
    return ordered
