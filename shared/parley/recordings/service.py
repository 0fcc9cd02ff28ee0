"""Meetings to record, and what was recorded of them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.audit import audit
from parley.kernel.persistence.pagination import page
from parley.kernel.values.errors import Conflict, NotFound
from parley.recordings import queries
from parley.recordings.declared import RecordingsAction
from parley.recordings.models import Meeting, Recording
from parley.recordings.schemas import MeetingCreate


class NotUploaded(Conflict):
    """There is a recording, and no bytes of it yet."""


def create_meeting(session: Session, caller: Caller, wanted: MeetingCreate) -> tuple[Meeting, Recording]:
    """A meeting and its one recording; who creates it owns the recording."""
    meeting = Meeting(**wanted.model_dump())
    recording = Recording(meeting_id=meeting.id, owner_id=caller.actor_id if caller.actor_type is ActorType.USER else None)
    session.add_all([meeting, recording])

    audit.record(
        session, caller, RecordingsAction.MEETING_CREATED, meeting, new={"platform": meeting.platform.value, "status": meeting.status.value}
    )
    return meeting, recording


def meeting(session: Session, meeting_id: UUID) -> tuple[Meeting, Recording | None]:
    """A meeting with its recording. Raises `NotFound`."""
    pair = queries.meeting_with_recording(session, meeting_id)
    if pair is None:
        raise NotFound("There is no such meeting.")
    return pair


def list_meetings(session: Session, cursor: str | None, limit: int) -> tuple[Sequence[Meeting], str | None]:
    """Meetings, the one that starts last first."""
    return page(session, queries.meetings(), [Meeting.scheduled_start, Meeting.id], cursor=cursor, limit=limit)


def recording(session: Session, recording_id: UUID) -> Recording:
    """A recording. Its owner may see it, and whoever may read recordings. Raises `NotFound`."""
    row = queries.recording(session, recording_id)
    if row is None:
        raise NotFound("There is no such recording.")
    return row


def list_recordings(session: Session, cursor: str | None, limit: int) -> tuple[Sequence[Recording], str | None]:
    """Recordings, the newest first."""
    return page(session, queries.recordings(), [Recording.id], cursor=cursor, limit=limit)


def open_download(session: Session, caller: Caller, recording_id: UUID) -> Recording:
    """A recording whose bytes the caller is about to fetch. Raises `NotFound` or `NotUploaded`."""
    row = recording(session, recording_id)
    if row.raw_key is None:
        raise NotUploaded("Nothing has been uploaded for this recording yet.")

    audit.record(session, caller, RecordingsAction.RECORDING_DOWNLOADED, row)
    return row
