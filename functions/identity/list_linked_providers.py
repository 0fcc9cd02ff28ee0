"""GET /v1/auth/providers/linked"""

from parley.identity.providers import linked
from parley.identity.providers.linked import LinkedProviderRead
from parley.kernel.db import personal
from parley.kernel.http import Access, AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page

app = api(needs=Access.PERSON)


@app.get("/v1/auth/providers/linked")
def list_linked_providers(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[LinkedProviderRead]:
    with personal(caller) as session:
        return linked.linked(session, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
