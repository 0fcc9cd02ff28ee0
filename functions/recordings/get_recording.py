"""GET /v1/recordings/{recording_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.recordings import service
from parley.recordings.schemas import RecordingRead

app = api(needs="recordings:read")


@app.get("/v1/recordings/<recording_id>")
def get_recording(recording_id: UUID, caller: AuthenticatedCaller) -> RecordingRead:
    with transaction(caller) as session:
        return RecordingRead.model_validate(service.recording(session, caller, recording_id))


lambda_handler = entrypoint(app)
