"""POST /v1/recordings/meetings/{meeting_id}/uploads/{upload_id}/complete"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.recordings import object_access, object_storage, uploads
from parley.recordings.models import UploadStatus
from parley.recordings.schemas import UploadComplete, UploadStateRead

# Ten thousand parts with their ETags.
app = api(needs="uploads:create", most_bytes=1024 * 1024)


@app.post("/v1/recordings/meetings/<meeting_id>/uploads/<upload_id>/complete", status_code=202)
def complete_upload(meeting_id: UUID, upload_id: UUID, wanted: UploadComplete, caller: AuthenticatedCaller) -> UploadStateRead:
    storage = object_access.of(caller.organization_id)
    with transaction(caller) as session:
        upload = uploads.to_complete(session, meeting_id, upload_id)
    if upload.status is UploadStatus.PENDING:
        etags = uploads.etags(upload, wanted.parts)
        object_storage.complete_multipart(storage, upload.key, upload.multipart_id or "", etags, upload.size_bytes)
    return UploadStateRead.model_validate(upload)


lambda_handler = entrypoint(app)
