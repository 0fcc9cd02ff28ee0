"""What webhooks tell of recordings: the thing as the API shows it."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from parley.recordings import queries
from parley.recordings.schemas import MeetingWithRecordingRead, RecordingRead


def webhook_payload(session: Session, event: str, entity_id: UUID) -> dict[str, Any] | None:
    """A meeting with its recording, or for events of recordings and encodings the recording."""
    if event.startswith("meeting."):
        pair = queries.meeting_with_recording(session, entity_id)
        return MeetingWithRecordingRead.of(*pair).model_dump(mode="json") if pair is not None else None
    recording = queries.recording(session, entity_id)
    return RecordingRead.model_validate(recording).model_dump(mode="json") if recording is not None else None
