"""What others read of recordings: see `parley.kernel.values.declarations`."""

from parley.kernel.values.declarations import AuditAction, EventName


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
