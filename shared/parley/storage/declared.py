"""What others read of storage: see `parley.kernel.values.declarations`."""

from parley.kernel.values.declarations import AuditAction, EventName, PublicEvent, Scope


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

SCOPES = (
    Scope("files:read", "Read files.", "VIEWER", key_group="READ_ONLY"),
    Scope("files:write", "Change files.", "MEMBER", key_group="STANDARD"),
    Scope("files:delete", "Delete files.", "MEMBER", key_group="FULL"),
    Scope("projects:read", "See projects.", "VIEWER", key_group="READ_ONLY"),
    Scope("projects:write", "Create, change and delete projects.", "ADMIN", key_group="FULL"),
    Scope("transforms:read", "See transforms.", "VIEWER", key_group="READ_ONLY"),
    Scope("transforms:create", "Define transforms.", "MEMBER", key_group="STANDARD"),
    Scope("transforms:request", "Ask for transformed files.", "MEMBER", key_group="STANDARD"),
    Scope("transforms:delete", "Delete transforms.", "MEMBER", key_group="FULL"),
    Scope("uploads:create", "Upload.", "MEMBER", key_group="STANDARD"),
    Scope("uploads:init", "Begin an upload.", "MEMBER", key_group="STANDARD"),
    Scope("uploads:complete", "Complete an upload.", "MEMBER", key_group="STANDARD"),
)
