"""GET /v1/identity/organization"""

from parley.identity.organizations import organization_lifecycle
from parley.identity.organizations.schemas import OrganizationDetailRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="organization:read")


@app.get("/v1/identity/organization")
def get_organization(caller: AuthenticatedCaller) -> OrganizationDetailRead:
    with transaction(caller) as session:
        return OrganizationDetailRead.model_validate(organization_lifecycle.current_organization(session, caller))


lambda_handler = entrypoint(app)
