"""A page of what a search finds: by SQL where SQL can say it, else by walking a bounded number of rows."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from scim2_models import InvalidFilterException, Resource, ScimFilter, SearchRequest, TooManyException
from scim2_server.storage import SearchPage
from scim2_server.utils import parametrize
from sqlalchemy import ColumnElement

from parley.scim.scim_filters import Condition, FilterComparison, translate

MOST_WALKED = 1000
"""Rows that one search evaluates by itself. A filter that leaves more is refused (`tooMany`), never answered wrongly."""

MOST_FILTER = 10_000
"""Characters of a filter. One that names a thousand users is no search, and what it costs grows with the product of both."""

Order = list[ColumnElement[Any]]


class ResourceCollection(Protocol):
    """The resources of one type, in the database."""

    model: Any
    meanings: Mapping[str, FilterComparison]
    orders: Mapping[str, ColumnElement[Any]]

    def count(self, condition: Condition) -> int: ...

    def resources(
        self, condition: Condition, order: Order, offset: int, limit: int, request: SearchRequest[Any] | None = None
    ) -> Sequence[Resource[Any]]:
        """Rows as resources. Without a request, whole ones."""
        ...


def page(shelves: Sequence[ResourceCollection], request: SearchRequest[Any]) -> SearchPage:
    """The page, of all shelves as one collection. Raises `TooManyException`, `InvalidFilterException`."""
    if request.filter and len(str(request.filter)) > MOST_FILTER:
        raise InvalidFilterException(detail=f"A filter has at most {MOST_FILTER} characters.")
    filters = [request.filter and _bound(shelf, request.filter) for shelf in shelves]
    translated = [translate(wanted, shelf.meanings) for shelf, wanted in zip(shelves, filters, strict=True)]
    orders = [_order(shelf, request) for shelf in shelves]
    start, count = request.start_index_0 or 0, request.count if request.count is not None else MOST_WALKED
    if all(each.is_exact for each in translated) and None not in orders and (len(shelves) == 1 or request.sort_by is None):
        return _sliced(
            [(shelf, each.condition, order or []) for shelf, each, order in zip(shelves, translated, orders, strict=True)],
            start,
            count,
            request,
        )
    resources: list[Resource[Any]] = []
    for shelf, each, wanted in zip(shelves, translated, filters, strict=True):
        walked = shelf.resources(each.condition, [], 0, MOST_WALKED + 1)
        if len(walked) > MOST_WALKED:
            raise TooManyException(
                detail=f"This would look at more than {MOST_WALKED} resources; narrow it with userName, externalId or id."
            )
        resources += [resource for resource in walked if wanted is None or wanted.match(resource)]
    resources = request.sort(resources)
    return SearchPage(len(resources), resources[start : start + count])


def _sliced(parts: list[tuple[ResourceCollection, Condition, Order]], start: int, count: int, request: SearchRequest[Any]) -> SearchPage:
    """The page of what the database filters and orders: one shelf after the other."""
    page = SearchPage(0, [])
    for shelf, condition, order in parts:
        total = shelf.count(condition)
        offset, left = max(start - (page.total or 0), 0), count - len(page.resources)
        if left > 0 and offset < total:
            page.resources += shelf.resources(condition, order, offset, left, request)
        page.total = (page.total or 0) + total
    return page


def _bound(shelf: ResourceCollection, wanted: ScimFilter[Any]) -> ScimFilter[Any]:
    """The filter for one type: what the type does not declare matches nothing there (section 3.4.2.1)."""
    return wanted if wanted.model is shelf.model else parametrize(ScimFilter, shelf.model)(str(wanted))


def _order(shelf: ResourceCollection, request: SearchRequest[Any]) -> Order | None:
    """The columns to order by; None when SQL can't. Values that are missing come last, or first in descending order (section 3.4.2.3)."""
    if request.sort_by is None:
        return []
    column = shelf.orders.get(str(request.sort_by).rpartition(":")[2].lower())
    if column is None:
        return None
    return [column.desc() if request.sort_order == SearchRequest.SortOrder.descending else column.asc()]
