"""The mail with the code that proves a booker's address."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import select

from parley.identity.letters import letter
from parley.identity.models import Organization
from parley.kernel.callers import Caller
from parley.kernel.db import transaction
from parley.notifications.email_message import Mail, is_deliverable, single_line
from parley.scheduling.address_proofs import WINDOW_SECONDS, code
from parley.scheduling.models import EventType, Hold


def write(caller: Caller, hold_id: UUID, send: Callable[[Mail], None]) -> None:
    """None when the hold is over: then nobody waits for it."""
    with transaction(caller) as session:
        row = select(Hold.proof_email, EventType.name, Organization.name).join(EventType, EventType.id == Hold.event_type_id)
        row = row.join(Organization, Organization.id == Hold.organization_id).where(Hold.id == hold_id)
        known = session.execute(row).one_or_none()
    address, event_type, organization = known or (None, "", "")
    if address is None or not is_deliverable(address):
        return
    proof = code(caller.organization_id, address)
    said = [
        f"Somebody, probably you, is booking {single_line(event_type)} with {single_line(organization)} in the name of this address.",
        f"The code is {proof}. It goes into the form, and is good for {WINDOW_SECONDS // 60} minutes.",
        "If it was not you, do nothing: without the code, nothing is booked.",
    ]
    send(letter(address, subject=f"{proof} is your code to book", paragraphs=said, entity=f"address-proof-{hold_id}"))
