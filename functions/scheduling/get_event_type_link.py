"""GET /v1/scheduling/links/{organization_slug}/{event_type_slug}"""

from parley.kernel.db import transaction
from parley.kernel.http import Access, Visitor, api, entrypoint
from parley.scheduling import event_types, links
from parley.scheduling.event_type_schemas import EventTypePageRead
from parley.scheduling.words import Username

app = api(needs=Access.ANYBODY)


@app.get("/v1/scheduling/links/<organization_slug>/<event_type_slug>", operation_id="get_link")
def get_event_type_link(organization_slug: str, event_type_slug: str, visitor: Visitor, host: Username | None = None) -> EventTypePageRead:
    caller = visitor.acting_for(links.organization_of(organization_slug))
    with transaction(caller) as session:
        return event_types.page(session, links.event_type_of(session, event_type_slug, host))


lambda_handler = entrypoint(app)
