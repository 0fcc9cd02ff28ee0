"""PATCH /v1/identity/organization"""

from parley.identity.organizations import organization_lifecycle
from parley.identity.organizations.schemas import OrganizationDetailRead, OrganizationUpdate
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="organization:write")


@app.patch("/v1/identity/organization")
def update_organization(wanted: OrganizationUpdate, caller: AuthenticatedCaller) -> OrganizationDetailRead:
    with transaction(caller) as session:
        return OrganizationDetailRead.model_validate(organization_lifecycle.change(session, caller, wanted))


lambda_handler = entrypoint(app)
