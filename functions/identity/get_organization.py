"""GET /v1/identity/organization"""

from parley.identity import organizations
from parley.identity.organization_schemas import OrganizationDetailRead
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint

app = api(needs="organization:read")


@app.get("/v1/identity/organization")
def get_organization(caller: AuthenticatedCaller) -> OrganizationDetailRead:
    with transaction(caller) as session:
        return OrganizationDetailRead.model_validate(organizations.current(session, caller))


lambda_handler = entrypoint(app)
