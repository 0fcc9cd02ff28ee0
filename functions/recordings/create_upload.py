"""POST /v1/recordings/meetings/{meeting_id}/uploads"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.recordings import media_types, object_access, object_storage, presigned_urls, uploads
from parley.recordings.schemas import UploadCreate, UploadRead

app = api(needs="uploads:create")


@app.post("/v1/recordings/meetings/<meeting_id>/uploads", status_code=201)
def create_upload(meeting_id: UUID, wanted: UploadCreate, caller: AuthenticatedCaller, once: IdempotencyKey) -> UploadRead:
    once, storage = once.within(object_access.LIFE), object_access.of(caller.organization_id)
    with transaction(caller, once) as session:
        meeting, upload = uploads.plan(session, caller, meeting_id, wanted)
        if not media_types.is_multipart(wanted.size_bytes):
            return once.answer(session, presigned_urls.upload(storage, uploads.start(session, caller, meeting, upload)))
    # No transaction stays open while S3 is asked; an upload that S3 began and nobody kept is removed by the bucket's lifecycle rule.
    upload.multipart_id = object_storage.begin_multipart(storage, upload.key, upload.content_type)
    with transaction(caller, once) as session:
        return once.answer(session, presigned_urls.upload(storage, uploads.start(session, caller, meeting, upload)))


lambda_handler = entrypoint(app)
