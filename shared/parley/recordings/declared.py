"""What others read of recordings: see `parley.kernel.values.declarations`."""

from parley.kernel.values.declarations import AuditAction, EventName, PublicEvent, Scope


class RecordingsAction:
    MEETING_CREATED = AuditAction("meeting.created")
    MEETING_STATUS_CHANGED = AuditAction("meeting.status_changed")
    UPLOAD_STARTED = AuditAction("upload.started")
    UPLOAD_ABORTED = AuditAction("upload.aborted")
    UPLOAD_REJECTED = AuditAction("upload.rejected")
    RECORDING_UPLOADED = AuditAction("recording.uploaded")
    RECORDING_DOWNLOADED = AuditAction("recording.downloaded")


class RecordingsEvent:
    MEETING_STARTED = EventName("recordings.meeting_started")
    RECORDING_UPLOADED = EventName("recordings.recording_uploaded")
    # Can be subscribed to, and is announced by what is to come.
    MEETING_COMPLETED = EventName("recordings.meeting_completed")
    MEETING_FAILED = EventName("recordings.meeting_failed")
    RECORDING_READY = EventName("recordings.recording_ready")
    ENCODING_STARTED = EventName("recordings.encoding_started")
    ENCODING_COMPLETED = EventName("recordings.encoding_completed")
    ENCODING_FAILED = EventName("recordings.encoding_failed")


_PAYLOAD = "parley.recordings.recording_payloads:webhook_payload"
PUBLIC_EVENTS = (
    PublicEvent("meeting.started", "A recorded meeting began.", "meeting_id", (RecordingsEvent.MEETING_STARTED,), _PAYLOAD),
    PublicEvent("meeting.completed", "A meeting was recorded.", "meeting_id", (RecordingsEvent.MEETING_COMPLETED,), _PAYLOAD),
    PublicEvent("meeting.failed", "A meeting could not be recorded.", "meeting_id", (RecordingsEvent.MEETING_FAILED,), _PAYLOAD),
    PublicEvent("recording.ready", "A recording can be downloaded.", "recording_id", (RecordingsEvent.RECORDING_READY,), _PAYLOAD),
    PublicEvent("encoding.started", "A recording is being encoded.", "recording_id", (RecordingsEvent.ENCODING_STARTED,), _PAYLOAD),
    PublicEvent("encoding.completed", "A recording was encoded.", "recording_id", (RecordingsEvent.ENCODING_COMPLETED,), _PAYLOAD),
    PublicEvent("encoding.failed", "A recording could not be encoded.", "recording_id", (RecordingsEvent.ENCODING_FAILED,), _PAYLOAD),
)

SCOPES = (
    Scope("meetings:read", "See meetings that are recorded.", "VIEWER"),
    Scope("meetings:write", "Have meetings recorded.", "MEMBER"),
    Scope("recordings:read", "See and download recordings.", "VIEWER"),
    Scope("recordings:write", "Change and delete recordings.", "MEMBER"),
)
