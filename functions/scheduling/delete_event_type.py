"""DELETE /v1/scheduling/event-types/{event_type_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.event_types import event_type_service

app = api(needs="event_types:write")


@app.delete("/v1/scheduling/event-types/<event_type_id>", status_code=204)
def delete_event_type(event_type_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        event_type_service.delete_event_type(session, caller, event_type_id)


lambda_handler = entrypoint(app)
