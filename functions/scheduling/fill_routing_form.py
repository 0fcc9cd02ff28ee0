"""GET /v1/scheduling/routing-forms/{form_id}/public and /v1/scheduling/links/{organization_slug}/forms/{form_slug}, POST …/submissions"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import Access, RequestOnce, Visitor, api, entrypoint
from parley.scheduling import routing_forms, routing_submissions
from parley.scheduling.routing_schemas import RoutedRead, RoutingFormPageRead, RoutingSubmissionCreate

app = api(needs=Access.ANYBODY)


@app.get("/v1/scheduling/routing-forms/<form_id>/public")
def get_routing_form_page(form_id: UUID, visitor: Visitor) -> RoutingFormPageRead:
    caller = visitor.acting_for(routing_forms.organization_of(form_id))
    with transaction(caller) as session:
        return routing_forms.page(session, form_id)


@app.get("/v1/scheduling/links/<organization_slug>/forms/<form_slug>")
def get_routing_form_link(organization_slug: str, form_slug: str, visitor: Visitor) -> RoutingFormPageRead:
    caller = visitor.acting_for(routing_forms.organization_named(organization_slug))
    with transaction(caller) as session:
        return routing_forms.page(session, slug=form_slug)


@app.post("/v1/scheduling/routing-forms/<form_id>/submissions", status_code=201)
def submit_routing_form(form_id: UUID, wanted: RoutingSubmissionCreate, visitor: Visitor, once: RequestOnce) -> RoutedRead:
    caller = visitor.acting_for(routing_forms.organization_of(form_id))
    with transaction(caller, once) as session:
        return once.answer(session, routing_submissions.submit(session, caller, form_id, wanted))


lambda_handler = entrypoint(app)
