"""POST /v1/scheduling/routing-forms"""

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.routing import routing_forms
from parley.scheduling.routing.schemas import RoutingFormCreate, RoutingFormDetailRead

app = api(needs="routing_forms:write", location="/v1/scheduling/routing-forms/{id}")


@app.post("/v1/scheduling/routing-forms", status_code=201)
def create_routing_form(wanted: RoutingFormCreate, caller: AuthenticatedCaller, once: IdempotencyKey) -> RoutingFormDetailRead:
    with transaction(caller, once) as session:
        return once.answer(session, routing_forms.create_form(session, caller, wanted))


lambda_handler = entrypoint(app)
