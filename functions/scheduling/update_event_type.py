"""PATCH /v1/scheduling/event-types/{event_type_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling import event_types
from parley.scheduling.event_type_schemas import EventTypeDetailRead, EventTypeUpdate

app = api(needs="event_types:write")


@app.patch("/v1/scheduling/event-types/<event_type_id>")
def update_event_type(event_type_id: UUID, wanted: EventTypeUpdate, caller: AuthenticatedCaller) -> EventTypeDetailRead:
    with transaction(caller) as session:
        return event_types.update_event_type(session, caller, event_type_id, wanted)


lambda_handler = entrypoint(app)
