"""Queue scheduling-jobs: tells invitee and hosts by e-mail what became of a booking; sends the code that proves a booker's address."""

from uuid import UUID

from pydantic import BaseModel

from parley.kernel import post
from parley.kernel.callers import NOWHERE, Caller
from parley.kernel.db import transaction
from parley.kernel.jobs import Announced, worker
from parley.kernel.mail_claims import Sender
from parley.scheduling import address_letter, claims, mails, notices


class BookingChanged(BaseModel):
    """When what failed is to be sent again, `event_id` and `event` say which event of before it was."""

    booking_id: UUID = NOWHERE
    hold_id: UUID | None = None
    from_host_id: UUID | None = None
    event_id: UUID | None = None
    event: str | None = None


def notify(caller: Caller, event: Announced[BookingChanged]) -> None:
    told = event.payload
    if told.hold_id is not None:
        address_letter.write(caller, told.hold_id, Sender(caller, event.id, post.send_discreetly))
        return
    with transaction(caller) as session:
        mine = notices.take_up(session, told.event_id or event.id, told.event or event.name, told.booking_id, told.from_host_id)
    failed: Exception | None = None
    for notice in mine:
        failure: Exception | None = None
        try:
            post.send(mails.compose(notice.facts, notice.reader, notice.news))
        except Exception as error:  # noqa: BLE001  # raised below: one mail that can't be sent must not keep the other back
            failure = failed = error
        with transaction(caller) as session:
            claims.settle(session, notice.id, failure)
    if failed is not None:
        raise claims.NotSent(type(failed).__name__).with_traceback(failed.__traceback__) from None


lambda_handler = worker(BookingChanged, notify)
