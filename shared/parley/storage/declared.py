"""What others read of storage: see `parley.kernel.values.declarations`."""

from parley.kernel.values.declarations import AuditAction


class StorageAction:
    PROJECT_CREATED = AuditAction("project.created")
    PROJECT_UPDATED = AuditAction("project.updated")
    PROJECT_DELETED = AuditAction("project.deleted")
