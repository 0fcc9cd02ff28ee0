"""The trail's partitions, made months ahead: each month in a short transaction of its own.

A month is filled beside the trail and attached then, which stops no writer of another month (`make_audit_partition`, in the migrations).
What came into the default partition before its month was there is moved along.
"""

import time

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from parley.kernel.persistence.transactions import sweep
from parley.kernel.postgres.integrity_errors import is_passing
from parley.kernel.workers.sweeps import Run

MONTHS_AHEAD = 3
_TRIES, _PAUSE_SECONDS = 3, 0.5


class PartitionsDuty:
    """A duty of the daily upkeep."""

    def __init__(self, name: str) -> None:
        self.name = name

    def do(self, run: Run) -> None:
        for ahead in range(MONTHS_AHEAD + 1):
            try:
                run.count += _made(ahead)
            except Exception as error:  # noqa: BLE001  # noted, and the next month's turn comes
                run.note(error, months_ahead=ahead)


def _made(ahead: int) -> int:
    """How many were made, none or one. Somebody who reads the trail for long is waited for again."""
    for attempt in range(1, _TRIES + 1):
        try:
            with sweep() as session:
                return int(session.scalar(text("SELECT make_audit_partition(:ahead)"), {"ahead": ahead}) or 0)
        except DBAPIError as error:
            if attempt == _TRIES or not is_passing(error):
                raise
            time.sleep(_PAUSE_SECONDS)
    raise AssertionError
