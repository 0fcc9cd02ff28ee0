"""GET /v1/scheduling/event-types/{event_type_id}/public and /v1/scheduling/links/{organization_slug}/{event_type_slug}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import Access, Visitor, api, entrypoint
from parley.scheduling import event_types, links
from parley.scheduling.event_type_schemas import EventTypePageRead
from parley.scheduling.words import Username

app = api(needs=Access.ANYBODY)


@app.get("/v1/scheduling/event-types/<event_type_id>/public")
def get_event_type_page(event_type_id: UUID, visitor: Visitor) -> EventTypePageRead:
    caller = visitor.acting_for(event_types.organization_of(event_type_id))
    with transaction(caller) as session:
        return event_types.page(session, event_type_id)


@app.get("/v1/scheduling/links/<organization_slug>/<event_type_slug>")
def get_link(organization_slug: str, event_type_slug: str, visitor: Visitor, host: Username | None = None) -> EventTypePageRead:
    caller = visitor.acting_for(links.organization_of(organization_slug))
    with transaction(caller) as session:
        return event_types.page(session, links.event_type_of(session, event_type_slug, host))


lambda_handler = entrypoint(app)
