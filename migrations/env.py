"""How revisions meet a database: one migrator at a time, never waiting long for a lock, each revision in a transaction of its own."""

from alembic import context
from sqlalchemy import create_engine, event, text
from sqlalchemy.pool import NullPool

from parley import schema
from parley.kernel import dialect
from parley.kernel.connections import connect_arguments
from parley.kernel.settings import setting

_ONE_AT_A_TIME = 7_264_351


def _is_ours(thing: object, name: str | None, kind: str, reflected: bool, compared: object) -> bool:
    """Partitions are made by the database itself."""
    return not (kind == "table" and reflected and name is not None and name.startswith("audit_logs_"))


def _migrate() -> None:
    engine = create_engine(f"{dialect.NAME}://", poolclass=NullPool)

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, _arguments: object, keywords: dict[str, object]) -> None:
        keywords.update(connect_arguments(setting("DATABASE_OWNER_URL")))

    with engine.connect() as connection:
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
