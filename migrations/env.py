"""How revisions meet a database: one migrator at a time, never waiting long for a lock, each revision in a transaction of its own."""

from alembic import context
from sqlalchemy import text

from parley import schema
from parley.kernel.migrations import owner

_ONE_AT_A_TIME = 7_264_351


def _is_ours(thing: object, name: str | None, kind: str, reflected: bool, compared: object) -> bool:
    """Partitions are made by the database itself."""
    return not (kind == "table" and reflected and name is not None and name.startswith("audit_logs_"))


def _migrate() -> None:
    with owner().connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=schema.metadata(),
            include_object=_is_ours,
            transaction_per_migration=True,
            compare_type=True,
        )
        with context.begin_transaction():
            context.execute(text("SET LOCAL lock_timeout = '5s'"))
            context.execute(text(f"SELECT pg_advisory_xact_lock({_ONE_AT_A_TIME})"))
            context.run_migrations()


_migrate()
