"""POST /v1/scheduling/pools, PATCH and DELETE …/{pool_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import pools
from parley.scheduling.pool_schemas import PoolCreate, PoolDetailRead, PoolUpdate

app = api(needs="event_types:write")


@app.post("/v1/scheduling/pools", status_code=201)
def create_pool(wanted: PoolCreate, caller: AuthenticatedCaller, once: RequestOnce) -> PoolDetailRead:
    with transaction(caller, once) as session:
        return once.answer(session, pools.create_pool(session, caller, wanted))


@app.patch("/v1/scheduling/pools/<pool_id>")
def update_pool(pool_id: UUID, wanted: PoolUpdate, caller: AuthenticatedCaller) -> PoolDetailRead:
    with transaction(caller) as session:
        return pools.update_pool(session, caller, pool_id, wanted)


@app.delete("/v1/scheduling/pools/<pool_id>", status_code=204)
def delete_pool(pool_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        pools.delete_pool(session, caller, pool_id)


lambda_handler = entrypoint(app)
