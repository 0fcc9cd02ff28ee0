"""POST /v1/scheduling/event-types"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import event_types
from parley.scheduling.event_type_schemas import EventTypeCreate, EventTypeDetailRead

app = api(needs="event_types:write")


@app.post("/v1/scheduling/event-types", status_code=201)
def create_event_type(wanted: EventTypeCreate, caller: AuthenticatedCaller, once: RequestOnce) -> EventTypeDetailRead:
    with transaction(caller, once) as session:
        return once.answer(session, event_types.create_event_type(session, caller, wanted))


lambda_handler = entrypoint(app)
