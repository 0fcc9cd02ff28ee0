"""POST /v1/scheduling/routing-forms"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import routing_forms
from parley.scheduling.routing_schemas import RoutingFormCreate, RoutingFormDetailRead

app = api(needs="routing_forms:write")


@app.post("/v1/scheduling/routing-forms", status_code=201)
def create_routing_form(wanted: RoutingFormCreate, caller: AuthenticatedCaller, once: RequestOnce) -> RoutingFormDetailRead:
    with transaction(caller, once) as session:
        return once.answer(session, routing_forms.create_form(session, caller, wanted))


lambda_handler = entrypoint(app)
