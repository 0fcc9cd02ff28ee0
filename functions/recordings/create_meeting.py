"""POST /v1/recordings/meetings"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.recordings import service
from parley.recordings.schemas import MeetingCreate, MeetingWithRecordingRead

app = api(needs="meetings:write")


@app.post("/v1/recordings/meetings", status_code=201)
def create_meeting(wanted: MeetingCreate, caller: AuthenticatedCaller, once: RequestOnce) -> MeetingWithRecordingRead:
    with transaction(caller, once) as session:
        meeting, recording = service.create_meeting(session, caller, wanted)
        return once.answer(session, MeetingWithRecordingRead.of(meeting, recording))


lambda_handler = entrypoint(app)
