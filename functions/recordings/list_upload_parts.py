"""GET /v1/recordings/meetings/{meeting_id}/uploads/{upload_id}/parts"""

from typing import Annotated
from uuid import UUID

from annotated_types import Interval

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.recordings import media_types, object_access, presigned_urls, uploads
from parley.recordings.schemas import SignedParts

app = api(needs="uploads:create")

First = Annotated[int, Interval(ge=1, le=media_types.MOST_PARTS)]
Count = Annotated[int, Interval(ge=1, le=presigned_urls.PARTS_AT_ONCE)]


@app.get("/v1/recordings/meetings/<meeting_id>/uploads/<upload_id>/parts")
def list_upload_parts(
    meeting_id: UUID, upload_id: UUID, caller: AuthenticatedCaller, first: First = 1, limit: Count = presigned_urls.PARTS_AT_ONCE
) -> SignedParts:
    storage = object_access.of(caller.organization_id)
    with transaction(caller) as session:
        upload = uploads.to_sign(session, meeting_id, upload_id)
    return presigned_urls.parts(storage, upload, first, limit)


lambda_handler = entrypoint(app)
