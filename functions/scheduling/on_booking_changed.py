"""Queue scheduling-jobs: tells invitee and hosts by e-mail what became of a booking; sends the code that proves a booker's address."""

from functools import partial
from uuid import UUID

from pydantic import BaseModel

from parley.kernel.callers import NOWHERE, Caller
from parley.kernel.db import transaction
from parley.kernel.jobs import Announced, worker
from parley.notifications.enums import NotificationChannel
from parley.notifications.sender import LoggedMessage, Sender, send_logged
from parley.notifications.ses import send
from parley.scheduling import address_letter, mails, notices


class BookingChanged(BaseModel):
    """When what failed is to be sent again, `event_id` and `event` say which event of before it was."""

    booking_id: UUID = NOWHERE
    hold_id: UUID | None = None
    from_host_id: UUID | None = None
    event_id: UUID | None = None
    locale: str | None = None
    event: str | None = None


def notify(caller: Caller, event: Announced[BookingChanged]) -> None:
    payload = event.payload
    if payload.hold_id is not None:
        address_letter.write(caller, payload.hold_id, Sender(caller, event.id, send), payload.locale)
        return
    with transaction(caller) as session:
        event_id, name = payload.event_id or event.id, payload.event or event.name
        taken = notices.take_up(session, event_id, name, payload.booking_id, payload.from_host_id)
    by_mail = partial(LoggedMessage, channel=NotificationChannel.EMAIL)
    logged = [by_mail(notice.id, recipient=notice.reader.email, compose=partial(mails.compose, *notice.content)) for notice in taken]
    send_logged(caller, send, logged)


lambda_handler = worker(BookingChanged, notify)
