"""GET /v1/recordings/meetings/{meeting_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.recordings import service
from parley.recordings.schemas import MeetingWithRecordingRead

app = api(needs="meetings:read")


@app.get("/v1/recordings/meetings/<meeting_id>")
def get_meeting(meeting_id: UUID, caller: AuthenticatedCaller) -> MeetingWithRecordingRead:
    with transaction(caller) as session:
        meeting, recording = service.meeting(session, meeting_id)
    return MeetingWithRecordingRead.of(meeting, recording)


lambda_handler = entrypoint(app)
