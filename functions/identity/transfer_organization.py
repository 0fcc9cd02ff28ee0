"""POST /v1/identity/organization/transfer"""

from parley.identity import organizations
from parley.identity.organization_schemas import OrganizationDetailRead, OrganizationTransfer
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint

app = api(needs="organization:transfer")


@app.post("/v1/identity/organization/transfer")
def transfer_organization(wanted: OrganizationTransfer, caller: AuthenticatedCaller) -> OrganizationDetailRead:
    with transaction(caller) as session:
        return OrganizationDetailRead.model_validate(organizations.transfer(session, caller, wanted.user_id))


lambda_handler = entrypoint(app)
