"""Rows that a sweep could not see to, and when it tries again: a minute later, then two, four, and so on, a day at most.

Kept beside the row that failed and not in it: what refuses its change may refuse every change.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, SmallInteger, delete, exists, func, literal, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from parley.kernel.persistence.base_models import Base, Swept
from parley.kernel.postgres.deferred import execute_later

Due = Select[*tuple[Any, ...]]
"""What a sweep takes up: a SELECT of organization, id, and whatever is wanted of a row beside them; in order, without a limit."""

LONGEST, LONGEST_PASSING = timedelta(days=1), timedelta(minutes=5)
_KEPT = timedelta(days=30)


class PostponedRow(Swept, Base):
    """`duty` is the name of what was to be done; `error` a SQLSTATE or the name of an exception, and nothing of its text."""

    __tablename__ = "postponed_rows"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    duty: Mapped[str] = mapped_column(primary_key=True)
    row_id: Mapped[UUID] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(SmallInteger)
    due_at: Mapped[datetime] = mapped_column(index=True)
    error: Mapped[str]


def is_postponed(duty: str, organization_id: ColumnElement[UUID], row_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Whether a row is put off for now, by the database's clock."""
    model = PostponedRow
    return exists().where(model.organization_id == organization_id, model.duty == duty, model.row_id == row_id, model.due_at > func.now())


def postpone(session: Session, organization_id: UUID, duty: str, row_id: UUID, error: str, *, passes: bool) -> None:
    """Put a row off, for twice as long as the last time. What passes by itself is tried again within minutes, however often it failed."""
    first = func.now() + text("interval '1 minute'")
    longest = literal(LONGEST_PASSING if passes else LONGEST)
    fresh = insert(PostponedRow).values(
        organization_id=organization_id, duty=duty, row_id=row_id, failures=1, due_at=first, error=error[:100]
    )
    wait = func.least(longest, text("interval '1 minute'") * func.power(2, func.least(PostponedRow.failures, 20)))
    again = {"failures": func.least(PostponedRow.failures + 1, 1000), "due_at": func.now() + wait, "error": fresh.excluded.error}
    session.execute(fresh.on_conflict_do_update(index_elements=["organization_id", "duty", "row_id"], set_=again))


def clear(session: Session, duty: str, row_ids: Sequence[UUID]) -> None:
    """These were seen to. It travels with the next statement."""
    execute_later(session, delete(PostponedRow).where(PostponedRow.duty == duty, PostponedRow.row_id.in_(row_ids)))


def forget(session: Session) -> int:
    """Delete what nobody has tried for a month, in a sweep: its row is gone. Returns how many."""
    result = session.execute(delete(PostponedRow).where(PostponedRow.due_at < func.now() - literal(_KEPT)))
    return result.rowcount  # type: ignore[attr-defined, no-any-return]  # a DELETE's result has it
