"""Each minute: has those connections synced, and those events written, whose time has come."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from parley.kernel.aws.aws_requests import send_message
from parley.kernel.values.settings import setting
from parley.kernel.workers.sweeps import RowsDuty, Sweep
from parley.scheduling.calendars import calendar_worker


def sending(hand_over: Callable[[Session, Sequence[Any]], list[str]]) -> Callable[[Session, Sequence[Any]], None]:
    """The messages leave before the transaction ends: what is lost between the two comes twice, and is done once."""

    def settle(session: Session, rows: Sequence[Any]) -> None:
        for message in hand_over(session, rows):
            send_message(setting("CALENDAR_JOBS_QUEUE_URL"), message)

    return settle


lambda_handler = Sweep(
    RowsDuty("syncs", calendar_worker.late_connections, sending(calendar_worker.hand_over_connections), batch=calendar_worker.AT_ONCE),
    RowsDuty("events", calendar_worker.late_events, sending(calendar_worker.hand_over_events), batch=calendar_worker.AT_ONCE),
)
