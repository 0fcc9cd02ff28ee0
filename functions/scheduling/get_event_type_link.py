"""GET /v1/scheduling/links/{organization_slug}/{event_type_slug}"""

from parley.kernel.edge.http import Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.common.scheduling_fields import Username
from parley.scheduling.event_types import event_type_service, slugs
from parley.scheduling.event_types.schemas import EventTypePageRead

app = api(needs=Access.ANYBODY)


@app.get("/v1/scheduling/links/<organization_slug>/<event_type_slug>", operation_id="get_link")
def get_event_type_link(organization_slug: str, event_type_slug: str, visitor: Visitor, host: Username | None = None) -> EventTypePageRead:
    caller = visitor.acting_for(slugs.organization_of(organization_slug))
    with transaction(caller) as session:
        return event_type_service.page(session, slugs.event_type_of(session, event_type_slug, host))


lambda_handler = entrypoint(app)
