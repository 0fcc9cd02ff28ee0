"""SQLAlchemy's dialect for the pipelined connection."""

from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.pg8000 import PGDialect_pg8000

from parley.kernel.postgres.db_errors import meaning
from parley.kernel.postgres.pipeline import PipelinedConnection

NAME = "postgresql+pipelined"
registry.register("postgresql.pipelined", __name__, "PipelinedDialect")


class PipelinedDialect(PGDialect_pg8000):
    """Asks the server nothing as it connects: every answer is the same on PostgreSQL 15 to 18."""

    supports_statement_cache = True

    def connect(self, *cargs: Any, **cparams: Any) -> Any:
        return PipelinedConnection(*cargs, **cparams)

    def is_disconnect(self, e: Any, connection: Any, cursor: Any) -> bool:
        return meaning(e).is_lost

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        return (15, 0)

    def _get_default_schema_name(self, connection: Any) -> str:
        return "public"

    def get_default_isolation_level(self, dbapi_conn: Any) -> Any:
        return "READ COMMITTED"

    def _set_backslash_escapes(self, connection: Any) -> None:
        self._backslash_escapes = False
