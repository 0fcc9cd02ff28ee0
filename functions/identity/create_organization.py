"""POST /v1/identity/organizations"""

from parley.identity import organizations
from parley.identity.organization_schemas import OrganizationCreate, OwnOrganizationRead
from parley.kernel.db import joining
from parley.kernel.http import Access, AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.kernel.ids import new_id

app = api(needs=Access.PERSON)


@app.post("/v1/identity/organizations", status_code=201)
def create_organization(wanted: OrganizationCreate, caller: AuthenticatedCaller, once: RequestOnce) -> OwnOrganizationRead:
    with joining(caller, new_id(), once) as session:
        return once.answer(session, organizations.establish(session, caller, wanted))


lambda_handler = entrypoint(app)
