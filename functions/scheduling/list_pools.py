"""GET /v1/scheduling/pools"""

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.round_robin import pools
from parley.scheduling.round_robin.schemas import PoolRead

app = api(needs="event_types:read")


@app.get("/v1/scheduling/pools")
def list_pools(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[PoolRead]:
    with transaction(caller) as session:
        return pools.pools(session, cursor=cursor, limit=limit)


lambda_handler = entrypoint(app)
