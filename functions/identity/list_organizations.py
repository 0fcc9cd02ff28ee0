"""GET /v1/identity/organizations"""

from parley.identity.organizations import organization_lifecycle
from parley.identity.organizations.schemas import OwnOrganizationRead
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import personal

app = api(needs=Access.PERSON)


@app.get("/v1/identity/organizations")
def list_organizations(
    caller: AuthenticatedCaller, deleted: bool = False, limit: Limit = 50, cursor: Cursor | None = None
) -> Page[OwnOrganizationRead]:
    with personal(caller) as session:
        return organization_lifecycle.own_organizations(session, caller, is_deleted=deleted, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
