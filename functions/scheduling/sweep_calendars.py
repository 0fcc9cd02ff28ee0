"""Each minute: has those connections synced, and those events written, whose time has come."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from parley.kernel.settings import setting
from parley.kernel.signed import send_message
from parley.kernel.sweeps import Rows, Sweep
from parley.scheduling.calendars import jobs


def sending(hand_over: Callable[[Session, Sequence[Any]], list[str]]) -> Callable[[Session, Sequence[Any]], None]:
    """The messages leave before the transaction ends: what is lost between the two comes twice, and is done once."""

    def settle(session: Session, rows: Sequence[Any]) -> None:
        for message in hand_over(session, rows):
            send_message(setting("CALENDAR_JOBS_QUEUE_URL"), message)

    return settle


lambda_handler = Sweep(
    Rows("syncs", jobs.late_connections, sending(jobs.hand_over_connections), batch=jobs.AT_ONCE),
    Rows("events", jobs.late_events, sending(jobs.hand_over_events), batch=jobs.AT_ONCE),
)
