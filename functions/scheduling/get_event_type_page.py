"""GET /v1/scheduling/event-types/{event_type_id}/public"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import Access, Visitor, api, entrypoint
from parley.scheduling import event_types
from parley.scheduling.event_type_schemas import EventTypePageRead

app = api(needs=Access.ANYBODY)


@app.get("/v1/scheduling/event-types/<event_type_id>/public")
def get_event_type_page(event_type_id: UUID, visitor: Visitor) -> EventTypePageRead:
    caller = visitor.acting_for(event_types.organization_of(event_type_id))
    with transaction(caller) as session:
        return event_types.page(session, event_type_id)


lambda_handler = entrypoint(app)
