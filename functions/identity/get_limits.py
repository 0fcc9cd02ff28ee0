"""GET /v1/identity/organization/limits"""

from parley.identity import organizations
from parley.identity.organization_schemas import LimitsRead
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint

app = api(needs="organization:read")


@app.get("/v1/identity/organization/limits")
def get_limits(caller: AuthenticatedCaller) -> LimitsRead:
    with transaction(caller) as session:
        return organizations.limits(session, caller)


lambda_handler = entrypoint(app)
