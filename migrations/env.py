"""How revisions meet a database: one migrator at a time, never waiting long for a lock, each revision in a transaction of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from sqlalchemy import Connection, event, text

from parley import schema
from parley.kernel.postgres.migrations import owner

_ONE_AT_A_TIME = 7_264_351
# That a revision waits for a lock; everybody who comes after it waits behind it for as long. `migrations.upgrade` tries again.
_LOCK_SECONDS = 5


def _is_ours(thing: object, name: str | None, kind: str, reflected: bool, compared: object) -> bool:
    """Partitions are made by the database itself."""
    return not (kind == "table" and reflected and name is not None and name.startswith("audit_logs_"))


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the migrators' lock, on a connection of its own: a transaction's would end with the first revision.

    Waits for another migrator, for as long as a statement may take.
    """
    with owner().connect() as keeper:
        keeper.execute(text(f"SELECT pg_advisory_lock({_ONE_AT_A_TIME})"))
        keeper.commit()
        yield


def _limit(connection: Connection) -> None:
    """In every transaction. What a revision sets for itself comes after it, and counts."""
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")


def _migrate() -> None:
    with _alone(), owner().connect() as connection:
        event.listen(connection, "begin", _limit)
        context.configure(
            connection=connection,
            target_metadata=schema.metadata(),
            include_object=_is_ours,
            transaction_per_migration=True,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()


_migrate()
