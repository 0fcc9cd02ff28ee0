"""Every table, and the foreign keys that cross domains. For migrations and tests alone: a function imports its own domain's models.

A `ForeignKey` to a table whose module is not imported works for SELECT and fails at the first flush, so a model has a plain UUID column
and the constraint is added here.
"""

from functools import cache

from sqlalchemy import ForeignKeyConstraint, MetaData

import parley.identity.models  # its tables
import parley.inbox.models  # its tables
import parley.kernel.audit  # its tables
import parley.kernel.directory  # its tables
import parley.kernel.idempotency  # its tables
import parley.kernel.outbox  # its tables
import parley.kernel.sealed  # its tables
import parley.recordings.models  # its tables
import parley.scheduling.models  # noqa: F401  # its tables
from parley.kernel.models import Base

# Evidence stays when what it tells of is deleted.
EVIDENCE = frozenset({"audit_logs"})

# Table and column of a domain, and the global or sibling table it points to.
CROSSING: tuple[tuple[str, str, str, str], ...] = (
    ("scheduling_schedules", "user_id", "users", "RESTRICT"),
    ("scheduling_event_types", "user_id", "users", "RESTRICT"),
    ("scheduling_bookings", "host_id", "users", "RESTRICT"),
    ("inbox_messages", "sent_by_user_id", "users", "SET NULL"),
    ("recordings_recordings", "owner_id", "users", "RESTRICT"),
)


@cache
def metadata() -> MetaData:
    """The whole schema, with every foreign key."""
    tables = Base.metadata.tables
    for table in tables.values():
        if "organization_id" in table.columns and table.name not in EVIDENCE:
            table.append_constraint(ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"))
    for name, column, target, ondelete in CROSSING:
        tables[name].append_constraint(ForeignKeyConstraint([column], [f"{target}.id"], ondelete=ondelete))
    return Base.metadata
