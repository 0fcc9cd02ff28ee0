"""Bringing a database to the newest revision. Only the migrate function and the tools around it import this."""

import time
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from parley.kernel.postgres import dialect
from parley.kernel.postgres.connection_settings import connect_arguments
from parley.kernel.postgres.integrity_errors import LOCK_NOT_AVAILABLE, sqlstate
from parley.kernel.postgres.row_level_security import APPLICATION
from parley.kernel.values.settings import setting

_LOGIN = "parley_app"
# Nobody waits for an answer but the function of the custom resource, whose time is 15 minutes: it must still have some to say what failed.
_STATEMENT_SECONDS = 840
# Of a revision that waits five seconds for a lock each time: six minutes in all.
TRIES, PAUSE_SECONDS = 24, 10.0


def configuration() -> Config:
    """Alembic's, with the folder of the revisions: beside `shared/` in a checkout, beside the package in the layer."""
    package = Path(__file__).resolve().parents[2]
    folder = next(path for path in (package.parents[1] / "migrations", package.parent / "migrations") if path.is_dir())
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """The newest revision."""
    newest = ScriptDirectory.from_config(configuration()).get_current_head()
    assert newest is not None
    return newest


def upgrade(revision: str = "head") -> str:
    """Run what is missing, and let the application's login in. Returns the newest revision.

    A database that is ahead of this code stays as it is: a deployment was rolled back, and revisions expand before they contract.
    A revision that does not get a lock within seconds lets go, so that nobody waits behind it, and is tried again for minutes.
    """
    if not _is_ahead():
        _patiently(lambda: command.upgrade(configuration(), revision))
        _admit_application()
    return head()


def downgrade(revision: str) -> None:
    """Undo revisions down to `revision` ("base": all)."""
    _patiently(lambda: command.downgrade(configuration(), revision))


def _patiently(run: Callable[[], None]) -> None:
    """Revisions that are done stay done: each try goes on with the one that found its table locked."""
    for attempt in range(1, TRIES + 1):
        try:
            run()
            return
        except DBAPIError as error:
            if attempt == TRIES or sqlstate(error) != LOCK_NOT_AVAILABLE:
                raise
            time.sleep(PAUSE_SECONDS)


def owner() -> Engine:
    """Connections of the role that owns the tables, each made when asked for. A statement may take minutes, as an index does."""
    engine = create_engine(f"{dialect.NAME}://", poolclass=NullPool)

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, _arguments: object, keywords: dict[str, object]) -> None:
        keywords.update(connect_arguments(setting("DATABASE_OWNER_URL")) | {"timeout": _STATEMENT_SECONDS})

    return engine


def _is_ahead() -> bool:
    with owner().connect() as connection:
        if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
            return False
        reached = set(connection.scalars(text("SELECT version_num FROM alembic_version")))
    revisions = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
    return not reached <= revisions


def _admit_application() -> None:
    """On a database whose owner may make roles (Aurora's), the application's login role, with IAM where RDS offers it."""
    with owner().begin() as connection:
        if not connection.scalar(text("SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user")):
            return
        role_names = set(connection.scalars(text("SELECT rolname FROM pg_roles")))
        if _LOGIN not in role_names:
            connection.execute(text(f"CREATE ROLE {_LOGIN} LOGIN"))
        connection.execute(text(f"GRANT {APPLICATION} TO {_LOGIN}"))
        if "rds_iam" in role_names:
            connection.execute(text(f"GRANT rds_iam TO {_LOGIN}"))
