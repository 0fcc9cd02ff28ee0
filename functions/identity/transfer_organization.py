"""POST /v1/identity/organization/transfer"""

from parley.identity.organizations import organization_lifecycle
from parley.identity.organizations.schemas import OrganizationDetailRead, OrganizationTransfer
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="organization:transfer")


@app.post("/v1/identity/organization/transfer")
def transfer_organization(wanted: OrganizationTransfer, caller: AuthenticatedCaller) -> OrganizationDetailRead:
    with transaction(caller) as session:
        return OrganizationDetailRead.model_validate(organization_lifecycle.transfer(session, caller, wanted.user_id))


lambda_handler = entrypoint(app)
