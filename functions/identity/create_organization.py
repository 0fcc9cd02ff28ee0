"""POST /v1/identity/organizations"""

from parley.identity.organizations import organization_lifecycle
from parley.identity.organizations.schemas import OrganizationCreate, OwnOrganizationRead
from parley.kernel.edge.http import Access, AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import joining
from parley.kernel.values.ids import new_id

app = api(needs=Access.PERSON)


@app.post("/v1/identity/organizations", status_code=201)
def create_organization(wanted: OrganizationCreate, caller: AuthenticatedCaller, once: IdempotencyKey) -> OwnOrganizationRead:
    with joining(caller, new_id(), once) as session:
        return once.answer(session, organization_lifecycle.create_organization(session, wanted))


lambda_handler = entrypoint(app)
