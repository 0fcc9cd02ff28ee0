"""What a session does by itself: whose its rows are, in which order they are inserted, which are not shown."""

from functools import cache
from typing import Any

from sqlalchemy import Table, event, inspect
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.orm.unitofwork import UOWTransaction, _SaveUpdateAll

from parley.kernel.persistence.base_models import SoftDeleted, Swept
from parley.kernel.postgres import deferred

_LIVE_ROWS = with_loader_criteria(SoftDeleted, lambda row: row.deleted_at.is_(None), include_aliases=True)
_OWN_ROWS = with_loader_criteria(Swept, lambda row: row.own(), include_aliases=True)


class TenantSession(Session):
    """A session that sends a flush's INSERTs together, does not show soft-deleted rows, and names the tenant where the policies do not.

    To see them, execute with `execution_options={"with_deleted": True}`.
    """


@event.listens_for(TenantSession, "before_attach")
def _belong(session: Session, row: Any) -> None:
    if "caller" in session.info and not row.global_because and getattr(row, "organization_id", row) is None:
        row.organization_id = session.info["caller"].organization_id


@event.listens_for(TenantSession, "before_flush")
def _gather(session: Session, flush: UOWTransaction, *_: Any) -> None:
    deferred.driver_connection(session.connection()).gathers = ("INSERT",)
    _insert_parents_first(session, flush)


def _insert_parents_first(session: Session, flush: UOWTransaction) -> None:
    """Order a flush by foreign keys. SQLAlchemy orders by relationships alone, and we have none: ids are known before the insert.

    The name is private to SQLAlchemy, whose version is pinned; every test that writes a parent and a child would notice.
    """
    mappers = {row.__tablename__: inspect(type(row)) for row in session.new}
    for mapper in mappers.values():
        for parent in _parents(mapper.local_table) & (mappers.keys() - {mapper.local_table.name}):
            saved = [_SaveUpdateAll(flush, each) for each in (mappers[parent], mapper)]  # type: ignore[no-untyped-call]  # private
            flush.dependencies.add(tuple(saved))


@cache
def _parents(table: Table) -> frozenset[str]:
    return frozenset(key.target_fullname.split(".")[0] for key in table.foreign_keys)


@event.listens_for(TenantSession, "after_flush")
def _settle(session: Session, *_: Any) -> None:
    driver = deferred.driver_connection(session.connection())
    driver.gathers = ()
    if driver.has_waiting and not session.info.get("is_ending"):
        session.connection().exec_driver_sql(";")


@event.listens_for(TenantSession, "do_orm_execute")
def _narrow(state: ORMExecuteState) -> None:
    if state.is_select and not state.is_column_load and not state.execution_options.get("with_deleted"):
        state.statement = state.statement.options(_LIVE_ROWS)
    if "caller" in state.session.info and (state.is_select or state.is_update or state.is_delete) and not state.is_column_load:
        state.statement = state.statement.options(_OWN_ROWS)
