"""POST /v1/identity/organizations/{organization_id}/restore"""

from uuid import UUID

from parley.identity import organizations
from parley.identity.organization_schemas import OrganizationDetailRead, OrganizationRestore
from parley.kernel.db import personal, transaction
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint

app = api(needs=Access.PERSON)


@app.post("/v1/identity/organizations/<organization_id>/restore")
def restore_organization(
    organization_id: UUID, caller: AuthenticatedCaller, wanted: OrganizationRestore | None = None
) -> OrganizationDetailRead:
    with personal(caller) as session:
        owner = caller.acting_for(organizations.restorable(session, caller, organization_id))
    with transaction(owner) as session:
        restored = organizations.restore(session, owner, wanted.slug if wanted else None)
        return OrganizationDetailRead.model_validate(restored)


lambda_handler = entrypoint(app)
