"""What recordings asks its tables."""

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from parley.recordings.models import Meeting, MeetingStatus, Recording, Upload


def meeting_with_recording(session: Session, meeting_id: UUID) -> tuple[Meeting, Recording | None] | None:
    """A meeting, and its recording unless that was deleted. One query."""
    both = select(Meeting, Recording).outerjoin(Recording, Recording.meeting_id == Meeting.id).where(Meeting.id == meeting_id)
    row = session.execute(both).one_or_none()
    return (row[0], row[1]) if row is not None else None


def meeting_status(session: Session, meeting_id: UUID) -> MeetingStatus:
    """What a meeting is now; it stays that until this transaction ends."""
    return session.scalars(select(Meeting.status).where(Meeting.id == meeting_id).with_for_update(read=True)).one()


def recording(session: Session, recording_id: UUID) -> Recording | None:
    return session.scalar(select(Recording).where(Recording.id == recording_id))


def upload_of_meeting(session: Session, meeting_id: UUID, upload_id: UUID, *, for_update: bool = False) -> Upload | None:
    query = (
        select(Upload)
        .join(Recording, Recording.id == Upload.recording_id)
        .where(Upload.id == upload_id, Recording.meeting_id == meeting_id)
    )
    return session.scalar(query.with_for_update(of=Upload, key_share=True) if for_update else query)


def upload_by_key(session: Session, key: str) -> Upload | None:
    """The upload that an object belongs to, locked: notifications of one object take their turns."""
    return session.scalar(select(Upload).where(Upload.key == key).with_for_update(key_share=True))


def meetings() -> Select[Meeting]:
    return select(Meeting)


def recordings() -> Select[Recording]:
    return select(Recording)
