"""POST /v1/identity/organizations/{organization_id}/restore"""

from uuid import UUID

from parley.identity.organizations import organization_lifecycle
from parley.identity.organizations.schemas import OrganizationDetailRead, OrganizationRestore
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import personal, transaction

app = api(needs=Access.PERSON)


@app.post("/v1/identity/organizations/<organization_id>/restore")
def restore_organization(
    organization_id: UUID, caller: AuthenticatedCaller, wanted: OrganizationRestore | None = None
) -> OrganizationDetailRead:
    with personal(caller) as session:
        owner = caller.acting_for(organization_lifecycle.restorable(session, caller, organization_id))
    with transaction(owner) as session:
        restored = organization_lifecycle.restore(session, owner, wanted.slug if wanted else None)
        return OrganizationDetailRead.model_validate(restored)


lambda_handler = entrypoint(app)
