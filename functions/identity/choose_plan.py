"""PUT /v1/identity/organization/plan"""

from parley.identity import organizations
from parley.identity.organization_schemas import LimitsRead, PlanChoice
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint

app = api(needs="billing:manage")


@app.put("/v1/identity/organization/plan")
def choose_plan(wanted: PlanChoice, caller: AuthenticatedCaller) -> LimitsRead:
    with transaction(caller) as session:
        organizations.choose_plan(session, caller, wanted.plan)
        return organizations.limits(session, caller)


lambda_handler = entrypoint(app)
