"""GET /v1/scheduling/event-types/{event_type_id}/public"""

from uuid import UUID

from parley.kernel.edge.http import Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.event_types import event_type_service
from parley.scheduling.event_types.schemas import EventTypePageRead

app = api(needs=Access.ANYBODY)


@app.get("/v1/scheduling/event-types/<event_type_id>/public")
def get_event_type_page(event_type_id: UUID, visitor: Visitor) -> EventTypePageRead:
    caller = visitor.acting_for(event_type_service.organization_of(event_type_id))
    with transaction(caller) as session:
        return event_type_service.page(session, event_type_id)


lambda_handler = entrypoint(app)
