"""POST /v1/scheduling/routing-forms, PATCH and DELETE …/{form_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import routing_forms
from parley.scheduling.routing_schemas import RoutingFormCreate, RoutingFormDetailRead, RoutingFormUpdate

app = api(needs="routing_forms:write")


@app.post("/v1/scheduling/routing-forms", status_code=201)
def create_routing_form(wanted: RoutingFormCreate, caller: AuthenticatedCaller, once: RequestOnce) -> RoutingFormDetailRead:
    with transaction(caller, once) as session:
        return once.answer(session, routing_forms.create_form(session, caller, wanted))


@app.patch("/v1/scheduling/routing-forms/<form_id>")
def update_routing_form(form_id: UUID, wanted: RoutingFormUpdate, caller: AuthenticatedCaller) -> RoutingFormDetailRead:
    with transaction(caller) as session:
        return routing_forms.update_form(session, caller, form_id, wanted)


@app.delete("/v1/scheduling/routing-forms/<form_id>", status_code=204)
def delete_routing_form(form_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        routing_forms.delete_form(session, caller, form_id)


lambda_handler = entrypoint(app)
