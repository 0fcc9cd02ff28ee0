"""GET /v1/scheduling/pools/{pool_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.round_robin import pools
from parley.scheduling.round_robin.schemas import PoolDetailRead

app = api(needs="event_types:read")


@app.get("/v1/scheduling/pools/<pool_id>")
def get_pool(pool_id: UUID, caller: AuthenticatedCaller) -> PoolDetailRead:
    with transaction(caller) as session:
        return pools.pool(session, pool_id)


lambda_handler = entrypoint(app)
