"""GET /v1/scheduling/routing-forms"""

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.routing import routing_forms
from parley.scheduling.routing.schemas import RoutingFormRead

app = api(needs="routing_forms:read")


@app.get("/v1/scheduling/routing-forms")
def list_routing_forms(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[RoutingFormRead]:
    with transaction(caller) as session:
        return routing_forms.forms(session, cursor=cursor, limit=limit)


lambda_handler = entrypoint(app)
