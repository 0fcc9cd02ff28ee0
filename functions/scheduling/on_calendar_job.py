"""Queue calendar-jobs: syncs a connection, writes a booking into its hosts' calendars, writes to whose connection died,
forgets the calendars of who left."""

from typing import TYPE_CHECKING, Any

from pydantic import RootModel

from parley.kernel.access.callers import Caller
from parley.kernel.workers.jobs import BusEvent, worker
from parley.scheduling.calendars.calendar_worker import handle_message

if TYPE_CHECKING:
    from parley.notifications.delivery.sender import Sender


def work(caller: Caller, event: BusEvent[RootModel[dict[str, Any]]]) -> None:
    def sender() -> "Sender":
        from parley.notifications.delivery.sender import Sender
        from parley.notifications.email.ses import send

        return Sender(caller, event.id, send)

    handle_message(caller, event.name, event.payload.root, sender)


lambda_handler = worker(RootModel[dict[str, Any]], work)
