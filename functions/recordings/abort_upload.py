"""DELETE /v1/recordings/meetings/{meeting_id}/uploads/{upload_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.recordings import object_access, object_storage, uploads

app = api(needs="uploads:create")


@app.delete("/v1/recordings/meetings/<meeting_id>/uploads/<upload_id>", status_code=204)
def abort_upload(meeting_id: UUID, upload_id: UUID, caller: AuthenticatedCaller) -> None:
    storage = object_access.of(caller.organization_id)
    with transaction(caller) as session:
        upload = uploads.abort(session, caller, meeting_id, upload_id)
    if upload.multipart_id is not None:
        object_storage.abort_multipart(storage, upload.key, upload.multipart_id)


lambda_handler = entrypoint(app)
