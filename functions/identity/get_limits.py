"""GET /v1/identity/organization/limits"""

from parley.identity.organizations import organization_lifecycle
from parley.identity.organizations.schemas import LimitsRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="organization:read")


@app.get("/v1/identity/organization/limits")
def get_limits(caller: AuthenticatedCaller) -> LimitsRead:
    with transaction(caller) as session:
        return organization_lifecycle.limits(session, caller)


lambda_handler = entrypoint(app)
