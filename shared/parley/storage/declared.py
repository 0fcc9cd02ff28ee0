"""What others read of storage: see `parley.kernel.values.declarations`."""

from parley.kernel.values.declarations import AuditAction, EventName, PublicEvent


class StorageAction:
    PROJECT_CREATED = AuditAction("project.created")
    PROJECT_UPDATED = AuditAction("project.updated")
    PROJECT_DELETED = AuditAction("project.deleted")


class StorageEvent:
    # Can be subscribed to, and is announced by what is to come.
    FILE_UPLOADED = EventName("storage.file_uploaded")
    FILE_DELETED = EventName("storage.file_deleted")
    TRANSFORM_COMPLETED = EventName("storage.transform_completed")


PUBLIC_EVENTS = (
    PublicEvent("file.uploaded", "A file was stored.", "file_id", (StorageEvent.FILE_UPLOADED,)),
    PublicEvent("file.deleted", "A file was deleted.", "file_id", (StorageEvent.FILE_DELETED,)),
    PublicEvent("transform.completed", "A file was transformed.", "transform_id", (StorageEvent.TRANSFORM_COMPLETED,)),
)
