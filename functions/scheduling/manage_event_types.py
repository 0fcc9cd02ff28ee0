"""POST /v1/scheduling/event-types, PATCH and DELETE …/{event_type_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import event_types
from parley.scheduling.event_type_schemas import EventTypeCreate, EventTypeDetailRead, EventTypeUpdate

app = api(needs="event_types:write")


@app.post("/v1/scheduling/event-types", status_code=201)
def create_event_type(wanted: EventTypeCreate, caller: AuthenticatedCaller, once: RequestOnce) -> EventTypeDetailRead:
    with transaction(caller, once) as session:
        return once.answer(session, event_types.create_event_type(session, caller, wanted))


@app.patch("/v1/scheduling/event-types/<event_type_id>")
def update_event_type(event_type_id: UUID, wanted: EventTypeUpdate, caller: AuthenticatedCaller) -> EventTypeDetailRead:
    with transaction(caller) as session:
        return event_types.update_event_type(session, caller, event_type_id, wanted)


@app.delete("/v1/scheduling/event-types/<event_type_id>", status_code=204)
def delete_event_type(event_type_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        event_types.delete_event_type(session, caller, event_type_id)


lambda_handler = entrypoint(app)
