"""GET /v1/recordings/{recording_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.recordings import service
from parley.recordings.schemas import RecordingRead

app = api(needs="recordings:read")


@app.get("/v1/recordings/<recording_id>")
def get_recording(recording_id: UUID, caller: AuthenticatedCaller) -> RecordingRead:
    with transaction(caller) as session:
        return RecordingRead.model_validate(service.recording(session, recording_id))


lambda_handler = entrypoint(app)
