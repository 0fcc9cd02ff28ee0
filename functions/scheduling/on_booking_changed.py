"""Queue scheduling-jobs: tells invitee and hosts by e-mail what became of a booking."""

from uuid import UUID

from pydantic import BaseModel

from parley.kernel import post
from parley.kernel.callers import Caller
from parley.kernel.db import transaction
from parley.kernel.jobs import Announced, worker
from parley.scheduling import mails, notices


class BookingChanged(BaseModel):
    booking_id: UUID
    from_host_id: UUID | None = None


def notify(caller: Caller, event: Announced[BookingChanged]) -> None:
    with transaction(caller) as session:
        mine = notices.take_up(session, event.id, event.name, event.payload.booking_id, event.payload.from_host_id)
    failed: Exception | None = None
    for notice in mine:
        failure: Exception | None = None
        try:
            post.send(mails.compose(notice.facts, notice.reader, notice.news))
        except Exception as error:  # noqa: BLE001  # raised below: one mail that can't be sent must not keep the other back
            failure = failed = error
        with transaction(caller) as session:
            notices.settle(session, notice.id, failure)
    if failed is not None:
        raise notices.NotSent(type(failed).__name__).with_traceback(failed.__traceback__) from None


lambda_handler = worker(BookingChanged, notify)
