"""GET /v1/scheduling/routing-forms/{form_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.routing import routing_forms
from parley.scheduling.routing.schemas import RoutingFormDetailRead

app = api(needs="routing_forms:read")


@app.get("/v1/scheduling/routing-forms/<form_id>")
def get_routing_form(form_id: UUID, caller: AuthenticatedCaller) -> RoutingFormDetailRead:
    with transaction(caller) as session:
        return routing_forms.form(session, form_id)


lambda_handler = entrypoint(app)
