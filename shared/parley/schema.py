"""Every table, and the foreign keys that cross domains. For migrations and tests alone: a function imports its own domain's models.

A `ForeignKey` to a table whose module is not imported works for SELECT and fails at the first flush, so a model has a plain UUID column
and the constraint is added here.
"""

from functools import cache
from importlib import import_module
from pathlib import Path

from sqlalchemy import ForeignKeyConstraint, MetaData

import parley.kernel.audit.audit  # its tables
import parley.kernel.persistence.column_encryption  # its tables
import parley.kernel.persistence.directory  # its tables
import parley.kernel.persistence.idempotency  # its tables
import parley.kernel.persistence.outbox  # its tables
import parley.kernel.persistence.rate_limit_buckets  # its tables
import parley.kernel.persistence.sweep_retries  # its tables
import parley.notifications.email.suppressions  # its tables
import parley.notifications.models  # noqa: F401  # its tables
from parley.domains import DOMAINS
from parley.kernel.persistence.base_models import Base, tenant_key

HERE = Path(__file__).parent

# Tables of a domain stand in its `models.py`, or in `<noun>_models.py` where they are many.
for _domain in DOMAINS:
    for _path in sorted((HERE / _domain).rglob("*models.py")):
        import_module(".".join(("parley", *_path.relative_to(HERE).with_suffix("").parts)))

# Evidence stays when what it tells of is deleted.
EVIDENCE = frozenset({"audit_logs", "audit_origins"})

# What is announced for a person belongs to no organization, nor does the key of a request to found one.
PASSING = frozenset({"outbox_events", "idempotency_keys", "postponed_rows"})

# Their models say it themselves.
SAID = frozenset({"user_sessions"})

# Table and column of a domain, and the global or sibling table it points to.
CROSSING: tuple[tuple[str, str, str, str], ...] = (
    ("webhooks_subscriptions", "maker_id", "users", "RESTRICT"),
    ("scheduling_schedules", "user_id", "users", "RESTRICT"),
    ("scheduling_event_types", "user_id", "users", "RESTRICT"),
    ("scheduling_bookings", "host_id", "users", "RESTRICT"),
    ("scheduling_booking_hosts", "host_id", "users", "RESTRICT"),
    ("scheduling_event_type_hosts", "user_id", "users", "RESTRICT"),
    ("scheduling_round_robin_assignments", "user_id", "users", "RESTRICT"),
    ("scheduling_calendar_connections", "user_id", "users", "RESTRICT"),
    ("scheduling_busy_times", "user_id", "users", "RESTRICT"),
    ("scheduling_workflows", "user_id", "users", "RESTRICT"),
    ("inbox_messages", "sent_by_user_id", "users", "SET NULL"),
    ("recordings_recordings", "owner_id", "users", "RESTRICT"),
    ("storage_projects", "owner_id", "users", "RESTRICT"),
    ("directory_entries", "user_id", "users", "CASCADE"),
)

# The same between two tables of one tenant: the key carries both columns.
CROSSING_WITHIN: tuple[tuple[str, str, str, str], ...] = (
    ("api_keys", "project_id", "storage_projects", "CASCADE"),
    ("storage_projects", "team_id", "teams", "NO ACTION"),
    ("scheduling_event_types", "team_id", "teams", "NO ACTION"),
    ("scheduling_round_robin_pools", "team_id", "teams", "NO ACTION"),
    ("scheduling_notification_logs", "booking_id", "scheduling_bookings", "CASCADE"),
    ("scheduling_notification_logs", "workflow_id", "scheduling_workflows", "NO ACTION"),
    ("scheduling_workflows", "subscription_id", "webhooks_subscriptions", "NO ACTION"),
)


@cache
def metadata() -> MetaData:
    """The whole schema, with every foreign key."""
    tables = Base.metadata.tables
    for table in tables.values():
        if "organization_id" in table.columns and table.name not in EVIDENCE | PASSING | SAID:
            table.append_constraint(ForeignKeyConstraint(["organization_id"], ["organizations.id"], ondelete="CASCADE"))
    for name, column, target, ondelete in CROSSING:
        tables[name].append_constraint(ForeignKeyConstraint([column], [f"{target}.id"], ondelete=ondelete))
    for name, column, target, ondelete in CROSSING_WITHIN:
        tables[name].append_constraint(tenant_key(column, target, ondelete=ondelete))
    return Base.metadata
