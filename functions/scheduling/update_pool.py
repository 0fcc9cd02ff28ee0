"""PATCH /v1/scheduling/pools/{pool_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.round_robin import pools
from parley.scheduling.round_robin.schemas import PoolDetailRead, PoolUpdate

app = api(needs="event_types:write")


@app.patch("/v1/scheduling/pools/<pool_id>")
def update_pool(pool_id: UUID, wanted: PoolUpdate, caller: AuthenticatedCaller) -> PoolDetailRead:
    with transaction(caller) as session:
        return pools.update_pool(session, caller, pool_id, wanted)


lambda_handler = entrypoint(app)
