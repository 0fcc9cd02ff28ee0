"""GET /v1/recordings/meetings/{meeting_id}/uploads/{upload_id}/parts"""

from typing import Annotated
from uuid import UUID

from annotated_types import Interval

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.recordings import access, media, presigned, uploads
from parley.recordings.schemas import SignedParts

app = api(needs="uploads:create")

First = Annotated[int, Interval(ge=1, le=media.MOST_PARTS)]
Count = Annotated[int, Interval(ge=1, le=presigned.PARTS_AT_ONCE)]


@app.get("/v1/recordings/meetings/<meeting_id>/uploads/<upload_id>/parts")
def list_upload_parts(
    meeting_id: UUID, upload_id: UUID, caller: AuthenticatedCaller, first: First = 1, limit: Count = presigned.PARTS_AT_ONCE
) -> SignedParts:
    storage = access.of(caller.organization_id)
    with transaction(caller) as session:
        upload = uploads.to_sign(session, caller, meeting_id, upload_id)
    return presigned.parts(storage, upload, first, limit)


lambda_handler = entrypoint(app)
