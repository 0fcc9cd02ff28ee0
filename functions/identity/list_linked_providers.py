"""GET /v1/auth/providers/linked"""

from parley.identity.providers import linked_providers
from parley.identity.providers.linked_providers import LinkedProviderRead
from parley.kernel.edge.http import Access, AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import personal

app = api(needs=Access.PERSON)


@app.get("/v1/auth/providers/linked")
def list_linked_providers(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[LinkedProviderRead]:
    with personal(caller) as session:
        return linked_providers.list_links(session, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
