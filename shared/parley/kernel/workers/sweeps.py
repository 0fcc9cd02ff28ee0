"""The one form of a scheduled function: duties apart, tenant by tenant, a bad row put off by itself, and loud at the end.

A function is a `Sweep` of duties. Each has transactions of its own and a share of the time; what one of them fails at stops no other.
A batch that fails is taken row by row, and a row that fails by itself is put off (`postponed`), so that neither its neighbors nor the
next run wait for it. A database or service that is away is nobody's fault: the duty ends, nothing is put off, and the next run goes on.
When anything failed the function raises `SweepFailed` after the rest is done: its error is what the alarms watch.
"""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller, system
from parley.kernel.edge.error_mapping import refusal_of
from parley.kernel.persistence import sweep_retries
from parley.kernel.persistence.sweep_retries import Due
from parley.kernel.persistence.transactions import sweep, transaction
from parley.kernel.postgres.integrity_errors import is_lost, sqlstate
from parley.kernel.values.errors import Unavailable

logger = Logger("parley")
_RESERVE_SECONDS = 5.0
_MOST_TENANTS_AWAY = 3


class SweepFailed(Exception):
    """Some of the duties were not done in full; everything else was. Names them."""


@dataclass(slots=True)
class Run:
    """What one duty came to: how many rows, how many problems, and which rows failed. Its time is over at `ends` (`time.monotonic`)."""

    duty: str
    ends: float
    count: int = 0
    problems: int = 0
    failed: set[UUID] = field(default_factory=set)

    @property
    def has_time(self) -> bool:
        return time.monotonic() < self.ends

    def note(self, error: Exception, **of: Any) -> None:
        self.problems += 1
        logger.error("a duty failed", duty=self.duty, exc_info=error, extra={name: str(value) for name, value in of.items()})


class Duty(Protocol):
    """What a sweep does of one kind. Its name is what `postponed_rows` and the log call it."""

    @property
    def name(self) -> str: ...

    def do(self, run: Run) -> None: ...


@dataclass(frozen=True, slots=True)
class CrossTenantDuty:
    """Upkeep over all tenants at once: a transaction, and another one for as long as one takes a whole `batch`."""

    name: str
    work: Callable[[Session], int]
    batch: int | None = None

    def do(self, run: Run) -> None:
        while run.has_time:
            with sweep() as session:
                taken = self.work(session)
            run.count += taken
            if self.batch is None or taken < self.batch:
                return


@dataclass(frozen=True, slots=True)
class RowsDuty:
    """What is due of a table, over all tenants: a batch a transaction of the sweep's own, for rows that are only marked and told of.

    `due` is a SELECT of the organization, the id, and whatever `settle` wants to have of a row, in order and without a limit. With `locks`
    the rows are locked, and those of another run passed over; `again`: until a batch is not full, for what is not due any more afterwards.
    """

    name: str
    due: Callable[[], Due]
    settle: Callable[[Session, Sequence[Any]], object]
    batch: int = field(default=100, kw_only=True)
    locks: bool = field(default=True, kw_only=True)
    again: bool = field(default=True, kw_only=True)

    def do(self, run: Run) -> None:
        while run.has_time:
            if _batch(self, run, sweep, self.settle) < self.batch or not self.again:
                return


@dataclass(frozen=True, slots=True)
class TenantRowsDuty:
    """What is due of a table, tenant by tenant: a batch a transaction of the tenant's, in which `settle` may do what a service does.

    One batch of everybody's, in any order, and then one more of those who have more. `due` is seen by the sweep, too, to find who has any.
    """

    name: str
    due: Callable[[], Due]
    settle: Callable[[Session, Caller, Sequence[UUID]], object]
    batch: int = field(default=100, kw_only=True)
    locks: bool = field(default=True, kw_only=True)

    def do(self, run: Run) -> None:
        with sweep() as session:
            whose = self.due().with_only_columns(next(iter(self.due().selected_columns))).order_by(None).distinct()
            waiting = list(session.scalars(whose))
        random.shuffle(waiting)  # nobody is the last in every run
        away_in_a_row = 0
        while waiting:
            more = []
            for organization_id in waiting:
                if not run.has_time or away_in_a_row == _MOST_TENANTS_AWAY:
                    return
                caller = system(organization_id)
                settle = partial(self._settle, caller)
                try:
                    if _batch(self, run, partial(transaction, caller), settle) == self.batch:
                        more.append(organization_id)
                    away_in_a_row = 0
                except Exception as error:  # noqa: BLE001  # noted, and the next one's turn comes
                    run.note(error, organization_id=organization_id)
                    away_in_a_row = away_in_a_row + 1 if _is_away(error) else 0
            waiting = more

    def _settle(self, caller: Caller, session: Session, rows: Sequence[Any]) -> object:
        return self.settle(session, caller, [row[1] for row in rows])


Opened = Callable[[], AbstractContextManager[Session]]


def _batch(duty: RowsDuty | TenantRowsDuty, run: Run, opened: Opened, settle: Callable[[Session, Sequence[Any]], object]) -> int:
    """One batch; row by row where it fails. Returns how many there were. Raises what is no row's fault."""
    rows: list[Any] = []
    try:
        _portion(duty, run, opened, settle, rows)
    except Exception as error:
        if not rows or _is_away(error):
            raise
        if len(rows) == 1:
            _put_off(duty, run, rows[0], error)
            return 1
        for row in rows:
            if run.has_time:
                _alone(duty, run, opened, settle, row)
    return len(rows)


def _alone(duty: RowsDuty | TenantRowsDuty, run: Run, opened: Opened, settle: Callable[[Session, Sequence[Any]], object], row: Any) -> None:
    try:
        _portion(duty, run, opened, settle, [], row)
    except Exception as error:
        if _is_away(error):
            raise
        _put_off(duty, run, row, error)


def _portion(
    duty: RowsDuty | TenantRowsDuty,
    run: Run,
    opened: Opened,
    settle: Callable[[Session, Sequence[Any]], object],
    rows: list[Any],
    only: Any = None,
) -> None:
    """One transaction. `rows` is filled before anything is done to them."""
    with opened() as session:
        rows += session.execute(_chosen(duty, run, only)).all()
        if rows:
            settle(session, rows)
            sweep_retries.clear(session, duty.name, [row[1] for row in rows])
    run.count += len(rows)


def _chosen(duty: RowsDuty | TenantRowsDuty, run: Run, only: Any) -> Due:
    statement = duty.due()
    organization_id, row_id = list(statement.selected_columns)[:2]
    if only is not None:
        statement = statement.where(organization_id == only[0], row_id == only[1])
    elif run.failed:
        statement = statement.where(row_id.not_in(run.failed))
    statement = statement.where(~sweep_retries.is_postponed(duty.name, organization_id, row_id)).limit(duty.batch)
    return statement.with_for_update(skip_locked=True, key_share=True) if duty.locks else statement


def _put_off(duty: RowsDuty | TenantRowsDuty, run: Run, row: Any, error: Exception) -> None:
    run.failed.add(row[1])
    run.note(error, organization_id=row[0], row_id=row[1])
    name = sqlstate(error) if isinstance(error, DBAPIError) else type(error).__name__
    with transaction(system(row[0])) as session:
        sweep_retries.postpone(session, row[0], duty.name, row[1], name, passes=isinstance(refusal_of(error), Unavailable))


def _is_away(error: Exception) -> bool:
    """Whether the database, or a service, does not answer: whoever's turn it was is not at fault."""
    if isinstance(error, DBAPIError):
        return is_lost(error)
    return isinstance(refusal_of(error), Unavailable) and getattr(error, "status", 503) >= 500


class Sweep:
    """The Lambda handler of a scheduled function: each duty in its turn, whatever became of those before. It returns their counts."""

    def __init__(self, *duties: Duty) -> None:
        self.duties = duties

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, int]:
        runs: list[Run] = []
        for at, duty in enumerate(self.duties):
            seconds = max(context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS, 0) / (len(self.duties) - at)
            run = Run(duty.name, time.monotonic() + seconds)
            runs.append(run)
            try:
                duty.do(run)
            except Exception as error:  # noqa: BLE001  # noted, and raised with the others
                run.note(error)
        counts = {run.duty: run.count for run in runs}
        failed = {run.duty: run.problems for run in runs if run.problems}
        logger.info("swept", extra=counts)
        metrics = Metrics()  # what the environment says of it is read here
        metrics.add_metric(name="DutiesFailed", unit=MetricUnit.Count, value=len(failed))
        metrics.add_metric(name="RowsPutOff", unit=MetricUnit.Count, value=sum(len(run.failed) for run in runs))
        metrics.flush_metrics()
        if failed:
            raise SweepFailed(f"not done in full: {failed}; done: {counts}")
        return counts
