"""What tables have in common."""

from collections.abc import Callable
from copy import copy
from datetime import datetime
from enum import StrEnum
from functools import cache, partial
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Enum, ForeignKeyConstraint, MetaData, Text, Uuid, inspect, literal_column
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from parley.kernel.postgres.row_level_security import TENANT
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id

Instant = DateTime(timezone=True)
_TENANT: ColumnElement[UUID] = literal_column(f"({TENANT})", Uuid)


class Base(DeclarativeBase):
    """Every table. `global_because` says why a table carries no tenant policy; a tenant table leaves it empty.

    Defaults are set when an object is made, not when it is inserted: an id is known at once.
    """

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Instant, str: Text, UUID: Uuid, dict[str, Any]: JSONB, list[str]: JSONB}
    global_because: ClassVar[str] = ""
    audit_name: ClassVar[str] = ""
    """What the audit trail calls a row, if that is not the name of the class: names that stand in rows stay."""

    def __init__(self, **values: Any) -> None:
        for name, made in _defaults(type(self)):
            if name not in values:
                values[name] = made()
        for name, value in values.items():
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no column {name}.")
            setattr(self, name, value)


@cache
def _defaults(table: type[Base]) -> list[tuple[str, Callable[[], Any]]]:
    """The columns with a default of ours, each with a function that makes the value."""
    made: list[tuple[str, Callable[[], Any]]] = []
    for attribute in inspect(table).column_attrs:
        default = attribute.columns[0].default
        if default is None:
            continue
        made.append((attribute.key, partial(default.arg, None) if default.is_callable else partial(copy, default.arg)))
    return made


class Tenant:
    """The key of a tenant table: `(organization_id, id)`, so that the database refuses a child of another tenant's parent.

    The organization is the session's: it is set as the object is added, never by hand. `parley.schema` adds the foreign key to it.
    """

    organization_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-20)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-19)


class Swept:
    """A table that the product's own upkeep looks at over all tenants (policies `sweep_…`, see `row_level_security.let_sweep`).

    Two policies are an OR, and through an OR no index is found by the tenant. So whatever a tenant's session asks of such a table names
    the tenant once more, in the policy's own words: `sessions` adds it, and statements that are sent by `later` say `own()`.
    """

    organization_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-20)

    @classmethod
    def own(cls) -> ColumnElement[bool]:
        """The rows of the session's tenant: the policy's condition, where an index can serve it."""
        return cls.organization_id == _TENANT


class Timestamps:
    created_at: Mapped[datetime] = mapped_column(default=now, sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now, sort_order=91)


class SoftDeleted:
    """Rows with a `deleted_at` are invisible to every normal query; unique rules count the living only."""

    deleted_at: Mapped[datetime | None] = mapped_column(default=None, sort_order=92)


def native_enum(values: type[StrEnum], name: str) -> Enum:
    """A native PostgreSQL enum. Migrations create its type; a table never does."""
    return Enum(values, name=name, values_callable=lambda kind: [member.value for member in kind], create_type=False)


def tenant_key(column: str, table: str, *, ondelete: str = "CASCADE") -> ForeignKeyConstraint:
    """A foreign key between two tenant tables: it carries both columns."""
    return ForeignKeyConstraint(["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete=ondelete)
