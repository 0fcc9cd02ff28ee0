"""GET /v1/identity/organizations"""

from parley.identity import organizations
from parley.identity.organization_schemas import OwnOrganizationRead
from parley.kernel.db import personal
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page

app = api(needs=Access.PERSON)


@app.get("/v1/identity/organizations")
def list_organizations(
    caller: AuthenticatedCaller, deleted: bool = False, limit: Limit = 50, cursor: Cursor | None = None
) -> Page[OwnOrganizationRead]:
    with personal(caller) as session:
        return organizations.mine(session, caller, is_deleted=deleted, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
