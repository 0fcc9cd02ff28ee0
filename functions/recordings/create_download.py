"""POST /v1/recordings/{recording_id}/downloads"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.recordings import object_access, presigned_urls, service
from parley.recordings.schemas import DownloadRead

app = api(needs="recordings:read")


@app.post("/v1/recordings/<recording_id>/downloads", status_code=201)
def create_download(recording_id: UUID, caller: AuthenticatedCaller, once: IdempotencyKey) -> DownloadRead:
    storage = object_access.of(caller.organization_id)
    with transaction(caller, once.within(object_access.LIFE)) as session:
        return once.answer(session, presigned_urls.download(storage, service.open_download(session, caller, recording_id)))


lambda_handler = entrypoint(app)
