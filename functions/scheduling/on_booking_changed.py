"""Queue scheduling-jobs: tells invitee and hosts by e-mail what became of a booking; sends the code that proves a booker's address."""

from functools import partial
from uuid import UUID

from pydantic import BaseModel

from parley.kernel.access.callers import NOWHERE, Caller
from parley.kernel.persistence.transactions import transaction
from parley.kernel.workers.jobs import BusEvent, worker
from parley.notifications.delivery.sender import LoggedMessage, Sender, send_logged
from parley.notifications.email.ses import send
from parley.notifications.enums import NotificationChannel
from parley.scheduling.notifications import address_proof_mail, booking_mails, booking_notices


class BookingChanged(BaseModel):
    """When what failed is to be sent again, `event_id` and `event` say which event of before it was."""

    booking_id: UUID = NOWHERE
    hold_id: UUID | None = None
    from_host_id: UUID | None = None
    event_id: UUID | None = None
    locale: str | None = None
    event: str | None = None


def notify(caller: Caller, event: BusEvent[BookingChanged]) -> None:
    payload = event.payload
    if payload.hold_id is not None:
        address_proof_mail.write(caller, payload.hold_id, Sender(caller, event.id, send), payload.locale)
        return
    with transaction(caller) as session:
        event_id, name = payload.event_id or event.id, payload.event or event.name
        taken = booking_notices.notices_to_send(session, event_id, name, payload.booking_id, payload.from_host_id)
    by_mail = partial(LoggedMessage, channel=NotificationChannel.EMAIL)
    logged = [
        by_mail(notice.id, recipient=notice.reader.email, compose=partial(booking_mails.compose, *notice.content)) for notice in taken
    ]
    send_logged(caller, send, logged)


lambda_handler = worker(BookingChanged, notify)
