"""DELETE /v1/scheduling/routing-forms/{form_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.routing import routing_forms

app = api(needs="routing_forms:write")


@app.delete("/v1/scheduling/routing-forms/<form_id>", status_code=204)
def delete_routing_form(form_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        routing_forms.delete_form(session, caller, form_id)


lambda_handler = entrypoint(app)
