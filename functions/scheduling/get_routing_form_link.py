"""GET /v1/scheduling/links/{organization_slug}/forms/{form_slug}"""

from parley.kernel.edge.http import Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.routing import routing_forms
from parley.scheduling.routing.schemas import RoutingFormPageRead

app = api(needs=Access.ANYBODY)


@app.get("/v1/scheduling/links/<organization_slug>/forms/<form_slug>")
def get_routing_form_link(organization_slug: str, form_slug: str, visitor: Visitor) -> RoutingFormPageRead:
    caller = visitor.acting_for(routing_forms.organization_named(organization_slug))
    with transaction(caller) as session:
        return routing_forms.page(session, slug=form_slug)


lambda_handler = entrypoint(app)
