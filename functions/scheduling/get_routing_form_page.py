"""GET /v1/scheduling/routing-forms/{form_id}/public"""

from uuid import UUID

from parley.kernel.edge.http import Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.routing import routing_forms
from parley.scheduling.routing.schemas import RoutingFormPageRead

app = api(needs=Access.ANYBODY)


@app.get("/v1/scheduling/routing-forms/<form_id>/public")
def get_routing_form_page(form_id: UUID, visitor: Visitor) -> RoutingFormPageRead:
    caller = visitor.acting_for(routing_forms.organization_of(form_id))
    with transaction(caller) as session:
        return routing_forms.page(session, form_id)


lambda_handler = entrypoint(app)
