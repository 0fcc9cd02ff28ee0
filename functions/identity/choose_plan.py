"""PUT /v1/identity/organization/plan"""

from parley.identity.organizations import organization_lifecycle
from parley.identity.organizations.schemas import LimitsRead, PlanChoice
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="billing:manage")


@app.put("/v1/identity/organization/plan")
def choose_plan(wanted: PlanChoice, caller: AuthenticatedCaller) -> LimitsRead:
    with transaction(caller) as session:
        organization_lifecycle.choose_plan(session, caller, wanted.plan)
        return organization_lifecycle.limits(session, caller)


lambda_handler = entrypoint(app)
