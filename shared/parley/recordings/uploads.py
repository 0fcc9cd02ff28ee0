"""How the bytes of a meeting's recording come in: an upload is asked for, the object arrives, the first that fits is the recording.

A meeting is RECORDING from the first upload that is asked for, and PROCESSING once one has arrived. Asked for again, an upload is new, with
a key of its own; the first object that is accepted wins, whatever comes later is put aside.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, or_, update
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, NotFound, Unprocessable
from parley.recordings import media_types, meeting_states, object_access, queries
from parley.recordings.declared import RecordingsAction, RecordingsEvent
from parley.recordings.models import Meeting, MeetingStatus, Recording, RecordingStatus, Upload, UploadStatus
from parley.recordings.s3_notifications import ObjectCreated
from parley.recordings.schemas import UploadCreate, UploadedPart

log = logging.getLogger(__name__)

# Part addresses can be signed anew for as long as the upload lives; the bucket's lifecycle rule must leave its parts alone that long.
_MULTIPART_LIFE = timedelta(hours=24)


class UploadFinished(Conflict):
    """The upload is over: completed, rejected, superseded or aborted."""


class UploadExpired(Conflict):
    """The upload was not completed in time."""


class NotMultipart(Conflict):
    """The upload is one request, not parts."""


class WrongParts(Unprocessable):
    """The parts are not the ones that the upload is made of."""


class UploadGone(Conflict):
    """The object storage does not know this multipart upload any more."""


def plan(session: Session, caller: Caller, meeting_id: UUID, wanted: UploadCreate) -> tuple[Meeting, Upload]:
    """An upload as it may be made, not yet kept. Raises `NotFound` or `IllegalMeetingTransition`."""
    meeting, recording = queries.meeting_with_recording(session, meeting_id) or (None, None)
    if meeting is None or recording is None:
        raise NotFound("There is no such meeting, or its recording was deleted.")
    if meeting.status is not MeetingStatus.RECORDING and MeetingStatus.RECORDING not in meeting_states.TRANSITIONS[meeting.status]:
        raise meeting_states.refusal(meeting.status, MeetingStatus.RECORDING)

    life = _MULTIPART_LIFE if media_types.is_multipart(wanted.size_bytes) else object_access.LIFE
    upload = Upload(
        recording_id=recording.id, size_bytes=wanted.size_bytes, content_type=wanted.content_type.value, expires_at=now() + life
    )
    upload.key = f"recordings/{caller.organization_id}/{recording.id}/{upload.id}.{media_types.EXTENSIONS[wanted.content_type]}"
    return meeting, upload


def start(session: Session, caller: Caller, meeting: Meeting, upload: Upload) -> Upload:
    """Keep a planned upload; the first one of a meeting makes it RECORDING. Raises `IllegalMeetingTransition`."""
    if meeting.status is MeetingStatus.PENDING and _move(session, caller, meeting.id, MeetingStatus.RECORDING):
        outbox.announce(session, RecordingsEvent.MEETING_STARTED, meeting_id=meeting.id, recording_id=upload.recording_id)
    elif (current := queries.meeting_status(session, meeting.id)) is not MeetingStatus.RECORDING:
        raise meeting_states.refusal(current, MeetingStatus.RECORDING)
    session.add(upload)

    declared = {"size_bytes": upload.size_bytes, "content_type": upload.content_type}
    audit.record(session, caller, RecordingsAction.UPLOAD_STARTED, upload, new=declared, meeting_id=str(meeting.id))
    return upload


def _move(session: Session, caller: Caller, meeting_id: UUID, target: MeetingStatus) -> bool:
    """Move a meeting, if it is where `target` can be reached from."""
    legal = update(Meeting).where(Meeting.id == meeting_id, Meeting.status.in_(meeting_states.sources(target)))
    moved = session.execute(legal.values(status=target).returning(Meeting)).scalar_one_or_none()
    if moved is not None:
        audit.record(session, caller, RecordingsAction.MEETING_STATUS_CHANGED, moved, new={"status": target.value})
    return moved is not None


def to_sign(session: Session, meeting_id: UUID, upload_id: UUID) -> Upload:
    """A multipart upload that waits for parts. Raises `NotFound`, `NotMultipart`, `UploadFinished` or `UploadExpired`."""
    return _waiting(_multipart(session, meeting_id, upload_id))


def to_complete(session: Session, meeting_id: UUID, upload_id: UUID) -> Upload:
    """A multipart upload that waits for parts, or was completed before: to ask again is fine. Raises as `to_sign` does."""
    upload = _multipart(session, meeting_id, upload_id)
    return upload if upload.status is UploadStatus.COMPLETED else _waiting(upload)


def _multipart(session: Session, meeting_id: UUID, upload_id: UUID) -> Upload:
    upload = _upload(queries.upload_of_meeting(session, meeting_id, upload_id))
    if upload.multipart_id is None:
        raise NotMultipart("This upload is one PUT, which completes it; there are no parts.")
    return upload


def _waiting(upload: Upload) -> Upload:
    if upload.status is not UploadStatus.PENDING:
        raise UploadFinished(f"This upload is {upload.status.value}.", upload_status=upload.status.value)
    if upload.expires_at <= now():
        raise UploadExpired("This upload was not completed in time; ask for a new one.")
    return upload


def etags(upload: Upload, parts: Sequence[UploadedPart]) -> list[tuple[int, str]]:
    """The parts in order, with bare ETags. Raises `WrongParts` unless every part is there once."""
    listed = sorted((part.part_number, part.etag.strip('"')) for part in parts)
    count = media_types.part_count(upload.size_bytes)
    if [number for number, _ in listed] != list(range(1, count + 1)):
        raise WrongParts(f"This upload is made of parts 1 to {count}, each once.")
    return listed


def abort(session: Session, caller: Caller, meeting_id: UUID, upload_id: UUID) -> Upload:
    """Give an upload up; doing it again changes nothing. Raises `NotFound` or `UploadFinished`."""
    upload = _upload(queries.upload_of_meeting(session, meeting_id, upload_id, for_update=True))
    if upload.status is UploadStatus.ABORTED:
        return upload
    if upload.status is not UploadStatus.PENDING:
        raise UploadFinished(f"This upload is {upload.status.value}.", upload_status=upload.status.value)

    upload.status = UploadStatus.ABORTED
    audit.record(session, caller, RecordingsAction.UPLOAD_ABORTED, upload, new={"status": upload.status.value})
    return upload


def _upload(upload: Upload | None) -> Upload:
    if upload is None:
        raise NotFound("There is no such upload.")
    return upload


def receive(session: Session, caller: Caller, arrival: ObjectCreated, stored: media_types.StoredObject) -> bool:
    """Take an object that has arrived for what it is. False: nobody will ever want it, and it may be deleted.

    Notifications come more than once and in any order. The lock on the upload's row makes those of one object take turns, and the condition
    of the update makes all but the newest of them, and all but the first object of a recording, change nothing.
    """
    upload = queries.upload_by_key(session, arrival.key)
    if upload is None:
        log.warning("An object without an upload: %s", arrival.key)
        return True
    mismatch = _mismatch(upload, stored)
    if upload.status is UploadStatus.COMPLETED:
        if mismatch is None:
            _store(session, upload, arrival)
        return True
    if upload.status is not UploadStatus.PENDING:
        return False
    if mismatch is not None:
        return _put_aside(session, caller, upload, UploadStatus.REJECTED, mismatch)
    recording = _store(session, upload, arrival)
    if recording is None:
        return _put_aside(session, caller, upload, UploadStatus.SUPERSEDED, "another_upload_was_first")
    _accept(session, caller, upload, recording)
    return True


def _mismatch(upload: Upload, stored: media_types.StoredObject) -> str | None:
    if stored.size_bytes != upload.size_bytes:
        return "size_differs"
    if stored.content_type != upload.content_type:
        return "content_type_differs"
    return None


def _store(session: Session, upload: Upload, arrival: ObjectCreated) -> Recording | None:
    """Store where the bytes of the recording lie. None when it has others, or newer ones, or was deleted."""
    is_newer = and_(Recording.raw_key == arrival.key, Recording.raw_sequencer < arrival.sequencer)
    first_or_newer = update(Recording).where(
        Recording.id == upload.recording_id, Recording.deleted_at.is_(None), or_(Recording.raw_key.is_(None), is_newer)
    )
    stored = first_or_newer.values(
        raw_key=arrival.key, raw_size_bytes=upload.size_bytes, raw_content_type=upload.content_type, raw_sequencer=arrival.sequencer
    )
    return session.execute(stored.returning(Recording)).scalar_one_or_none()


def _put_aside(session: Session, caller: Caller, upload: Upload, status: UploadStatus, reason: str) -> bool:
    execute_later(session, update(Upload).where(Upload.id == upload.id).values(status=status, reason=reason))
    audit.record(session, caller, RecordingsAction.UPLOAD_REJECTED, upload, new={"status": status.value, "reason": reason})
    return False


def _accept(session: Session, caller: Caller, upload: Upload, recording: Recording) -> None:
    execute_later(session, update(Upload).where(Upload.id == upload.id).values(status=UploadStatus.COMPLETED))
    execute_later(session, update(Recording).where(Recording.id == recording.id).values(status=RecordingStatus.PROCESSING))
    if recording.meeting_id is not None and not _move(session, caller, recording.meeting_id, MeetingStatus.PROCESSING):
        log.warning("The recording of a meeting arrived that is not RECORDING: %s", recording.meeting_id)

    arrived = {"size_bytes": upload.size_bytes, "content_type": upload.content_type}
    audit.record(session, caller, RecordingsAction.RECORDING_UPLOADED, recording, new=arrived, upload_id=str(upload.id))
    outbox.announce(
        session,
        RecordingsEvent.RECORDING_UPLOADED,
        recording_id=recording.id,
        meeting_id=recording.meeting_id,
        upload_id=upload.id,
        **arrived,
    )
