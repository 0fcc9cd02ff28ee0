"""POST /v1/scheduling/event-types"""

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.event_types import event_type_service
from parley.scheduling.event_types.schemas import EventTypeCreate, EventTypeDetailRead

app = api(needs="event_types:write", location="/v1/scheduling/event-types/{id}")


@app.post("/v1/scheduling/event-types", status_code=201)
def create_event_type(wanted: EventTypeCreate, caller: AuthenticatedCaller, once: IdempotencyKey) -> EventTypeDetailRead:
    with transaction(caller, once) as session:
        return once.answer(session, event_type_service.create_event_type(session, caller, wanted))


lambda_handler = entrypoint(app)
