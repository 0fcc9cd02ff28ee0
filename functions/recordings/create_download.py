"""POST /v1/recordings/{recording_id}/downloads"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.recordings import access, presigned, service
from parley.recordings.schemas import DownloadRead

app = api(needs="recordings:read")


@app.post("/v1/recordings/<recording_id>/downloads", status_code=201)
def create_download(recording_id: UUID, caller: AuthenticatedCaller, once: RequestOnce) -> DownloadRead:
    storage = access.of(caller.organization_id)
    with transaction(caller, once.within(access.LIFE)) as session:
        return once.answer(session, presigned.download(storage, service.open_download(session, caller, recording_id)))


lambda_handler = entrypoint(app)
