"""GET /v1/scheduling/event-types/{event_type_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.event_types import event_type_service
from parley.scheduling.event_types.schemas import EventTypeDetailRead

app = api(needs="event_types:read")


@app.get("/v1/scheduling/event-types/<event_type_id>")
def get_event_type(event_type_id: UUID, caller: AuthenticatedCaller) -> EventTypeDetailRead:
    with transaction(caller) as session:
        return event_type_service.event_type(session, event_type_id)


lambda_handler = entrypoint(app)
