"""GET /v1/recordings/meetings"""

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction
from parley.recordings import service
from parley.recordings.schemas import MeetingRead

app = api(needs="meetings:read")


@app.get("/v1/recordings/meetings")
def list_meetings(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[MeetingRead]:
    with transaction(caller) as session:
        meetings, next_cursor = service.list_meetings(session, cursor, limit)
    return Page(items=[MeetingRead.model_validate(meeting) for meeting in meetings], next_cursor=next_cursor)


lambda_handler = entrypoint(app)
