"""Plans of the statements that a request sends, and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

import pg8000.dbapi
import pg8000.native

from benchmarks.bare_sql import statements_of
from parley.kernel.postgres import connection_settings
from parley.kernel.values.settings import setting
from tests.platform.every_route import SeededOrganization
from tests.scheduling.bulk_bookings import Model

SMALL = 400
"""Rows: what fits into a few pages is read whole, and rightly so; and what a filter may remove."""

Plan = dict[str, Any]


def model_of(house: SeededOrganization) -> Model:
    return Model(house.member.organization_id, house.member.user_id, UUID(house.event_type), UUID(house.booking))


def counted(superuser: pg8000.native.Connection) -> dict[str, int]:
    """The rows of each table, as the database has counted them."""
    return {name: int(count) for name, count in superuser.run("SELECT relname, reltuples FROM pg_class WHERE relkind IN ('r', 'p')")}


def plans(house: SeededOrganization, request: Callable[[], object]) -> Iterator[tuple[str, Plan]]:
    """Each statement of a request with its plan, as the application's role gets it; what only reads is run as well, and counted."""
    sent = statements_of(request)
    with closing(pg8000.dbapi.connect(**connection_settings.connect_arguments(setting("DATABASE_URL")))) as connection:
        cursor = connection.cursor()
        cursor.execute(f"set local app.organization_id = '{house.member.organization_id}'")
        for statement, parameters in sent:
            if not statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
                continue
            kind = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " if statement.startswith("SELECT") else "EXPLAIN (FORMAT JSON) "
            cursor.execute(kind + statement, parameters)
            explanation = cursor.fetchone()[0]
            yield statement, (explanation if isinstance(explanation, list) else json.loads(explanation))[0]["Plan"]


def pages(plan: Plan) -> int:
    """How many pages a statement that was run has looked at, whether they lay in memory or not."""
    return int(plan.get("Shared Hit Blocks", 0)) + int(plan.get("Shared Read Blocks", 0))


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def trouble(node: Plan, rows: dict[str, int]) -> str | None:
    if node["Node Type"] == "Seq Scan" and rows.get(node["Relation Name"], 0) > SMALL:
        return f"reads all of {node['Relation Name']}"
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    if removed * node.get("Actual Loops", 1) > SMALL:
        return f"{node['Node Type']} of {node.get('Relation Name')} throws {removed} rows away: {node.get('Filter')}"
    return None
