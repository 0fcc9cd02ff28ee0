"""The doctor's questions about the database, asked with the product's own code and as the application's role."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from local.check_results import Ailing, Skipped

OLDEST, NEWEST = 15, 18
ROUND_TRIPS = 5


class _TakenBack(Exception):
    """Ends a transaction without keeping anything of it."""


def _lookup(statement: str) -> list[tuple[object, ...]]:
    from sqlalchemy.exc import DBAPIError

    from parley.kernel.persistence import transactions

    try:
        return transactions.lookup(statement)
    except (DBAPIError, OSError) as problem:
        raise _of_connection(problem) from problem


def _of_connection(problem: Exception) -> Ailing:
    """The usual reasons why a connection fails, each with its remedy."""
    origin = getattr(problem, "orig", None) or problem
    fields = origin.args[0] if origin.args and isinstance(origin.args[0], dict) else {}
    text, code = fields.get("M") or str(origin), fields.get("C", "")
    url = urlsplit(os.environ["DATABASE_URL"])
    if code.startswith("28"):
        return Ailing(f"the server refuses {url.username}: {text}", "Check user and password in DATABASE_URL, and pg_hba.conf.")
    if code == "3D000":
        return Ailing(f"there is no database {url.path[1:]}", f"create database {url.path[1:]} owner parley_owner;")
    if "certificate" in text.lower() or "ssl" in text.lower():
        return Ailing(
            f"TLS: {text}", "It is always verified away from this machine: name the authority's certificates in DATABASE_CA_BUNDLE."
        )
    where = f"{url.hostname}:{url.port}"
    return Ailing(f"no connection to {where}: {text}", "Is the server running? `make run` starts one, or correct DATABASE_URL.")


def connects() -> str:
    if not os.environ.get("DATABASE_URL"):
        raise Ailing("no database is known", "Start `make run` in another terminal, or set DATABASE_URL (see .env.example).")
    [(version, user)] = _lookup("select current_setting('server_version'), current_user::text")
    major = int(str(version).split(".")[0])
    if not OLDEST <= major <= NEWEST:
        raise Ailing(f"PostgreSQL {version}", f"Use PostgreSQL {OLDEST} to {NEWEST}.")
    began = time.perf_counter()
    for _ in range(ROUND_TRIPS):
        _lookup("select 1")
    return f"PostgreSQL {version} as {user}, {(time.perf_counter() - began) / ROUND_TRIPS * 1000:.1f} ms a round trip"


def role_is_bound_by_policies() -> str:
    [(is_super, bypasses)] = _lookup("select rolsuper, rolbypassrls from pg_roles where rolname = current_user")
    if is_super or bypasses:
        raise Ailing(
            "the application's role ignores row-level security: every tenant would see every row",
            "alter role parley_app nosuperuser nobypassrls;  or give DATABASE_URL another role",
        )
    [(owned,)] = _lookup("select count(*) from pg_tables where schemaname = 'public' and tableowner = current_user")
    if owned:
        mend = "Migrate as parley_owner (DATABASE_OWNER_URL); the application's role owns nothing."
        raise Ailing(f"the application's role owns {owned} tables", mend)
    return "no superuser, no bypass, owns nothing"


def is_migrated() -> str:
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy.exc import DBAPIError

    from parley.kernel.persistence import transactions
    from parley.kernel.postgres import migrations

    if not os.environ.get("DATABASE_OWNER_URL"):
        raise Skipped("DATABASE_OWNER_URL is not set, so the migration state can't be read")
    wanted = migrations.head()
    try:
        with transactions.engine("DATABASE_OWNER_URL").connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
    except (DBAPIError, OSError) as problem:
        raise Ailing(f"the owner can't connect: {problem}", "Check DATABASE_OWNER_URL.") from problem
    if revision != wanted:
        raise Ailing(f"the database is at revision {revision}, the code at {wanted}", "Deploy, or restart `make run`: both migrate first.")
    return f"at {revision}, the newest revision"


def writes_and_reads_with_relations() -> str:
    """Founds an organization, reads it back through a join, and takes the transaction back: not even an audit row stays."""
    from sqlalchemy import select
    from sqlalchemy.exc import DBAPIError

    from parley.identity.models import Organization, OrganizationMember, User
    from parley.identity.organizations import organization_creation
    from parley.kernel.access.callers import ActorType, Caller
    from parley.kernel.persistence import transactions
    from parley.kernel.values.errors import Refusal
    from parley.kernel.values.ids import new_id

    caller = Caller(new_id(), ActorType.USER, new_id(), "OWNER", frozenset({"*"}))
    joined = (
        select(Organization.name, User.name, OrganizationMember.role)
        .join(User, User.id == Organization.owner_id)
        .join(OrganizationMember, OrganizationMember.user_id == User.id)
    )
    try:
        with transactions.transaction(caller) as session:
            slug = f"doctor-{caller.organization_id.hex}"
            organization_creation.create_organization(
                session, caller, name="Doctor", slug=slug, owner_name="Doctor", owner_email=f"{slug}@doctor.invalid"
            )
            session.flush()
            rows = session.execute(joined).all()
            raise _TakenBack
    except _TakenBack:
        pass
    except (DBAPIError, Refusal, OSError) as problem:
        mend = "If the database is migrated, its grants or policies are not those of the migrations."
        raise Ailing(f"writing failed: {problem}", mend) from problem
    if [tuple(map(str, row)) for row in rows] != [("Doctor", "Doctor", "OWNER")]:
        raise Ailing(f"what was written was read back as {rows}", "The policies are not those of the migrations.")
    with transactions.transaction(caller) as session:
        if session.execute(joined).all():
            raise Ailing("the transaction that was taken back is still visible", "Something commits by itself between here and the server.")
    return "an organization with its owner, and nothing of it is left"


def tenants_are_apart() -> str:
    [(seen,)] = _lookup("select count(*) from organization_members")
    if seen:
        mend = "Row-level security is off: run the migrations as parley_owner."
        raise Ailing(f"without a tenant {seen} rows of organization_members are visible", mend)
    return "without a tenant, no row is visible"


CHECKS: list[tuple[str, Callable[[], str]]] = [
    ("connects", connects),
    ("role", role_is_bound_by_policies),
    ("migrations", is_migrated),
    ("writes and reads", writes_and_reads_with_relations),
    ("tenants", tenants_are_apart),
]
