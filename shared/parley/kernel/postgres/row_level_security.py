"""Row-level security, for migrations: a policy in the same revision as its table.

`app.organization_id` is set as a transaction begins (`persistence.transactions`). Empty or absent, it names no tenant, and no row is seen.
`app.user_id` and `app.secret_digest` are the same for the rows of a person, and for what is found by a secret.
"""

from typing import Any

TENANT = "nullif(current_setting('app.organization_id', true), '')::uuid"
PERSON = "nullif(current_setting('app.user_id', true), '')::uuid"
SECRET = "nullif(current_setting('app.secret_digest', true), '')"  # noqa: S105  # an expression
SWEEP = "current_setting('app.is_sweep', true) = 'on'"
APPLICATION = "parley_application"


def protect(op: Any, table: str, column: str = "organization_id", grants: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Force row-level security on a tenant table and let the application's role at its own tenant's rows."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {table} USING ({column} = {TENANT}) WITH CHECK ({column} = {TENANT})")
    op.execute(f"GRANT {grants} ON {table} TO {APPLICATION}")


def let_sweep(op: Any, table: str) -> None:
    """Let the product's own upkeep (`transactions.sweep`) read, change and delete rows of every tenant in this table, not add any.

    Its model is `Swept`: with a second policy, no index is found by the first one's tenant.
    """
    for verb in ("SELECT", "UPDATE", "DELETE"):
        op.execute(f"CREATE POLICY sweep_{verb.lower()} ON {table} FOR {verb} USING ({SWEEP})")


def belong(op: Any, table: str, *, sweeps: bool = False) -> None:
    """Force row-level security on a table of users' own rows: a person sees theirs (`transactions.personal`), by its column `user_id`."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY oneself ON {table} USING (user_id = {PERSON}) WITH CHECK (user_id = {PERSON})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APPLICATION}")
    if sweeps:
        let_sweep(op, table)


def share(op: Any, table: str, grants: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """A global table: no policy, and its model says why (`global_because`)."""
    op.execute(f"GRANT {grants} ON {table} TO {APPLICATION}")
