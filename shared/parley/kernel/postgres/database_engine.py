"""The engine: one an execution environment, which connects when first used."""

from functools import cache
from typing import Any

from sqlalchemy import Engine, create_engine, event

from parley.kernel.postgres import dialect
from parley.kernel.postgres.connection_settings import connect_arguments
from parley.kernel.values.settings import setting


@cache
def engine(name: str = "DATABASE_URL") -> Engine:
    """The engine behind a setting; it connects when first used."""
    size = int(setting("DATABASE_POOL_SIZE", "1"))
    # Errors are logged, and parameters hold names and addresses.
    made = create_engine(f"{dialect.NAME}://", pool_size=size, max_overflow=4, pool_recycle=840, hide_parameters=True)

    @event.listens_for(made, "do_connect")
    def connect(_dialect: Any, _record: Any, _arguments: Any, keywords: dict[str, Any]) -> None:
        keywords.update(connect_arguments(setting(name)))

    return made
