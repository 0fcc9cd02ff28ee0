"""What webhooks tell of scheduling: the thing as the API shows it."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from parley.scheduling.bookings import booking_service
from parley.scheduling.common import queries


def webhook_payload(session: Session, event: str, entity_id: UUID) -> dict[str, Any] | None:
    """A booking with its invitee; for `invitee.created` the invitee, with the booking's id; a submission with its answers."""
    if event.startswith("routing."):
        from parley.scheduling.routing.routing_submissions import submission

        submitted = submission(session, entity_id)
        return submitted.model_dump(mode="json") if submitted else None
    details = queries.booking_details(session, entity_id, to_tell=True) if event.startswith(("booking.", "invitee.")) else None
    if details is None:
        return None
    booking = booking_service.read(details).model_dump(mode="json")
    if event.startswith("invitee."):
        return {"booking_id": booking["id"], **booking["invitee"]}
    return booking
