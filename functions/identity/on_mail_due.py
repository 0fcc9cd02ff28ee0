"""Queue identity-jobs: sends the mails that events of identity ask for."""

from typing import Any

from pydantic import RootModel

from parley.identity.mails.account_mails import MAILS_OF_EVENTS
from parley.kernel.access.callers import Caller
from parley.kernel.workers.jobs import BusEvent, worker
from parley.notifications.delivery.sender import Sender
from parley.notifications.email.ses import send


class Payload(RootModel[dict[str, Any]]):
    """Ids, by name."""


def write(caller: Caller, event: BusEvent[Payload]) -> None:
    letter = MAILS_OF_EVENTS.get(event.name)
    if letter is not None:  # the others ask for no mail
        letter(caller, event.payload.root, Sender(caller, event.id, send))


lambda_handler = worker(Payload, write)
