"""POST /v1/scheduling/routing-forms/{form_id}/submissions"""

from uuid import UUID

from parley.kernel.access.visitor_limits import WRITES_PER_NETWORK
from parley.kernel.edge.http import Access, IdempotencyKey, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.routing import routing_forms, routing_submissions
from parley.scheduling.routing.schemas import RoutedRead, RoutingSubmissionCreate

app = api(needs=Access.ANYBODY, limit=WRITES_PER_NETWORK, location="/v1/scheduling/routing-submissions/{submission_id}")


@app.post("/v1/scheduling/routing-forms/<form_id>/submissions", status_code=201)
def submit_routing_form(form_id: UUID, wanted: RoutingSubmissionCreate, visitor: Visitor, once: IdempotencyKey) -> RoutedRead:
    caller = visitor.acting_for(routing_forms.organization_of(form_id))
    with transaction(caller, once) as session:
        return once.answer(session, routing_submissions.submit(session, caller, form_id, wanted))


lambda_handler = entrypoint(app)
