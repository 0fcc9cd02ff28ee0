"""PATCH /v1/identity/organization"""

from parley.identity import organizations
from parley.identity.organization_schemas import OrganizationDetailRead, OrganizationUpdate
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint

app = api(needs="organization:write")


@app.patch("/v1/identity/organization")
def update_organization(wanted: OrganizationUpdate, caller: AuthenticatedCaller) -> OrganizationDetailRead:
    with transaction(caller) as session:
        return OrganizationDetailRead.model_validate(organizations.change(session, caller, wanted))


lambda_handler = entrypoint(app)
