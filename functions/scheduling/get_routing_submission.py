"""GET /v1/scheduling/routing-submissions/{submission_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.routing import routing_submissions
from parley.scheduling.routing.schemas import RoutingSubmissionRead

app = api(needs="routing_submissions:read")


@app.get("/v1/scheduling/routing-submissions/<submission_id>")
def get_routing_submission(submission_id: UUID, caller: AuthenticatedCaller) -> RoutingSubmissionRead:
    with transaction(caller) as session:
        return routing_submissions.existing_submission(session, submission_id)


lambda_handler = entrypoint(app)
