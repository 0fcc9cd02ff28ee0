"""GET /v1/scheduling/event-types"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page
from parley.scheduling import event_types
from parley.scheduling.schemas import EventTypeRead

app = api(needs="event_types:read")


@app.get("/v1/scheduling/event-types")
def list_event_types(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[EventTypeRead]:
    with transaction(caller) as session:
        return event_types.event_types(session, caller, cursor=cursor, limit=limit)


lambda_handler = entrypoint(app)
