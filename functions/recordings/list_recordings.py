"""GET /v1/recordings"""

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction
from parley.recordings import service
from parley.recordings.schemas import RecordingRead

app = api(needs="recordings:read")


@app.get("/v1/recordings")
def list_recordings(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[RecordingRead]:
    with transaction(caller) as session:
        recordings, next_cursor = service.list_recordings(session, cursor, limit)
    return Page(items=[RecordingRead.model_validate(recording) for recording in recordings], next_cursor=next_cursor)


lambda_handler = entrypoint(app)
