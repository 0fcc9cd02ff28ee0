"""PATCH /v1/scheduling/routing-forms/{form_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.routing import routing_forms
from parley.scheduling.routing.schemas import RoutingFormDetailRead, RoutingFormUpdate

app = api(needs="routing_forms:write")


@app.patch("/v1/scheduling/routing-forms/<form_id>")
def update_routing_form(form_id: UUID, wanted: RoutingFormUpdate, caller: AuthenticatedCaller) -> RoutingFormDetailRead:
    with transaction(caller) as session:
        return routing_forms.update_form(session, caller, form_id, wanted)


lambda_handler = entrypoint(app)
