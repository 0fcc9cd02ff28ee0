"""POST /v1/recordings/meetings/{meeting_id}/uploads"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.recordings import access, media, objects, presigned, uploads
from parley.recordings.schemas import UploadCreate, UploadRead

app = api(needs="uploads:create")


@app.post("/v1/recordings/meetings/<meeting_id>/uploads", status_code=201)
def create_upload(meeting_id: UUID, wanted: UploadCreate, caller: AuthenticatedCaller, once: RequestOnce) -> UploadRead:
    once, storage = once.within(access.LIFE), access.of(caller.organization_id)
    with transaction(caller, once) as session:
        meeting, upload = uploads.plan(session, caller, meeting_id, wanted)
        if not media.is_multipart(wanted.size_bytes):
            return once.answer(session, presigned.upload(storage, uploads.start(session, caller, meeting, upload)))
    # No transaction stays open while S3 is asked; an upload that S3 began and nobody kept is removed by the bucket's lifecycle rule.
    upload.multipart_id = objects.begin_multipart(storage, upload.key, upload.content_type)
    with transaction(caller, once) as session:
        return once.answer(session, presigned.upload(storage, uploads.start(session, caller, meeting, upload)))


lambda_handler = entrypoint(app)
