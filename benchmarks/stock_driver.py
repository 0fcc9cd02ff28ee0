"""The product on pg8000's own protocol: the same code and SQL, with the round trips that SQLAlchemy's stock dialect spends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from pg8000.legacy import Connection
from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.pg8000 import PGDialect_pg8000

from parley.kernel.persistence import transactions
from parley.kernel.postgres import dialect
from parley.kernel.postgres.pipeline import PipelinedConnection

NAME = "postgresql+stock"
registry.register("postgresql.stock", __name__, "StockDialect")


class StockConnection(PipelinedConnection):
    """Nothing waits, nothing is sent together."""

    execute_simple = Connection.execute_simple
    execute_unnamed = Connection.execute_unnamed
    commit = Connection.commit
    rollback = Connection.rollback


class StockDialect(PGDialect_pg8000):
    supports_statement_cache = True

    def connect(self, *cargs: Any, **cparams: Any) -> Any:
        return StockConnection(*cargs, **cparams)


def new_engine(*, is_stock: bool) -> Engine:
    """An engine like the product's, on either protocol, that has not connected yet."""
    with patch.object(dialect, "NAME", NAME if is_stock else dialect.NAME):
        return transactions.engine.__wrapped__()


@contextmanager
def using(engine: Engine) -> Iterator[None]:
    """While it lasts, the product's transactions run on this engine."""
    with patch.object(transactions, "engine", lambda: engine):
        yield
