"""Filters of SCIM (RFC 7644, section 3.4.2.2) as conditions of SQL, as far as the common ones go.

What is not said in SQL is evaluated on the rows that the rest of the filter leaves, by the library. So a condition may be wider than its
filter, never narrower: under `not` and in an `or`, only what is exact is used.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from scim2_models import ScimFilter
from scim2_models.path import (
    CompareOperator,
    Comparison,
    FilterNode,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)
from scim2_models.path.resolution import coerce_value
from sqlalchemy import ColumnElement, and_, false, func, not_, or_, true
from sqlalchemy.orm import InstrumentedAttribute

Condition = ColumnElement[bool]
Column = ColumnElement[Any] | InstrumentedAttribute[Any]
FilterComparison = Callable[[CompareOperator, Any], Condition | None]
"""The condition for a comparison with a value; None if SQL does not say it."""


@dataclass(frozen=True, slots=True)
class TranslatedFilter:
    """`condition` holds for every row that the filter takes; if `is_exact`, for no other."""

    condition: Condition
    is_exact: bool


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def text(column: Column, *, is_case_exact: bool = False) -> FilterComparison:
    """Comparisons of a column of text."""

    def condition(operator: CompareOperator, value: Any) -> Condition | None:
        if not isinstance(value, str):
            return None
        left: Any = column if is_case_exact else func.lower(column)
        right: Any = value if is_case_exact else func.lower(value)
        like: Any = _escaped(value) if is_case_exact else func.lower(_escaped(value))
        match operator:
            case CompareOperator.eq:
                return func.coalesce(left == right, False)
            case CompareOperator.sw:
                return func.coalesce(left.like(func.concat(like, "%")), False)
            case CompareOperator.ew:
                return func.coalesce(left.like(func.concat("%", like)), False)
            case CompareOperator.co:
                return func.coalesce(left.like(func.concat("%", like, "%")), False)
        return None

    return condition


def identifier(compared: Callable[[UUID], Condition]) -> FilterComparison:
    """Equality with an id; what is no id equals none."""

    def condition(operator: CompareOperator, value: Any) -> Condition | None:
        if operator != CompareOperator.eq:
            return None
        resource_id = uuid_of(value)
        # Ids are compared as texts: another spelling of the same id is another text.
        return compared(resource_id) if resource_id is not None and str(resource_id) == value else false()

    return condition


def uuid_of(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        return None


def instant(column: Column) -> FilterComparison:
    """Comparisons of a column of time that is never null."""

    def condition(operator: CompareOperator, value: Any) -> Condition | None:
        if not isinstance(value, datetime):
            return None
        wanted = value if value.tzinfo else value.replace(tzinfo=UTC)
        match operator:
            case CompareOperator.gt:
                return column > wanted
            case CompareOperator.ge:
                return column >= wanted
            case CompareOperator.lt:
                return column < wanted
            case CompareOperator.le:
                return column <= wanted
        return None

    return condition


def flag(condition_of_true: Condition) -> FilterComparison:
    """Equality with true or false."""

    def condition(operator: CompareOperator, value: Any) -> Condition | None:
        if operator != CompareOperator.eq or not isinstance(value, bool):
            return None
        return condition_of_true if value else not_(condition_of_true)

    return condition


def translate(wanted: ScimFilter[Any] | None, meanings: Mapping[str, FilterComparison]) -> TranslatedFilter:
    """The condition of a filter. `meanings` are by the lower-case name of the attribute: `username`, `emails.value`. The
    filter is bound to one model."""
    if wanted is None:
        return TranslatedFilter(true(), is_exact=True)
    return _Reader(wanted, meanings).read(wanted.ast)


class _Reader:
    def __init__(self, wanted: ScimFilter[Any], meanings: Mapping[str, FilterComparison]) -> None:
        self._wanted = wanted
        self._meanings = meanings

    def read(self, node: FilterNode) -> TranslatedFilter:
        match node:
            case Comparison():
                return self._compared(node)
            case ValuePath(val_filter=Comparison() as inner) if inner.attr_path.attr.lower() == "value":
                return self._compared(Comparison(node.attr_path, inner.op, inner.value))
            case Present(attr_path=path) if str(path).lower() in ("id", "username"):
                return TranslatedFilter(true(), is_exact=True)
            case Not():
                inside = self.read(node.expr)
                return TranslatedFilter(not_(inside.condition), is_exact=True) if inside.is_exact else _ANY
            case LogicalExpr():
                return self._joined(node)
        return _ANY

    def _joined(self, node: LogicalExpr) -> TranslatedFilter:
        parts = [self.read(term) for term in node.terms]
        is_exact = all(part.is_exact for part in parts)
        if node.op == LogicalOperator.and_:
            return TranslatedFilter(and_(*(part.condition for part in parts)), is_exact)
        return TranslatedFilter(or_(*(part.condition for part in parts)), is_exact=True) if is_exact else _ANY

    def _compared(self, node: Comparison) -> TranslatedFilter:
        bound = self._wanted.resolve_comparison(node.attr_path, strict=False)
        if bound is None:  # not an attribute of this type
            return TranslatedFilter(false(), is_exact=True)
        meaning = self._meanings.get(bound.urn.rpartition(":")[2].lower()) if ":core:" in bound.urn else None
        condition = meaning(node.op, coerce_value(bound, node.value, node.op)) if meaning else None
        return TranslatedFilter(condition, is_exact=True) if condition is not None else _ANY


_ANY = TranslatedFilter(true(), is_exact=False)
