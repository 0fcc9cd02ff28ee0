"""GET /v1/inbox/connections"""

from parley.inbox import service
from parley.inbox.schemas import ConnectionRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction

app = api(needs="connections:read")


@app.get("/v1/inbox/connections")
def list_connections(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[ConnectionRead]:
    with transaction(caller) as session:
        return service.connections(session, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
