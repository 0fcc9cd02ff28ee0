"""POST /v1/recordings/meetings"""

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.recordings import service
from parley.recordings.schemas import MeetingCreate, MeetingWithRecordingRead

app = api(needs="meetings:write", location="/v1/recordings/meetings/{id}")


@app.post("/v1/recordings/meetings", status_code=201)
def create_meeting(wanted: MeetingCreate, caller: AuthenticatedCaller, once: IdempotencyKey) -> MeetingWithRecordingRead:
    with transaction(caller, once) as session:
        meeting, recording = service.create_meeting(session, caller, wanted)
        return once.answer(session, MeetingWithRecordingRead.of(meeting, recording))


lambda_handler = entrypoint(app)
