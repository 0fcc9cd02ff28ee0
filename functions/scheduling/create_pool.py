"""POST /v1/scheduling/pools"""

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.round_robin import pools
from parley.scheduling.round_robin.schemas import PoolCreate, PoolDetailRead

app = api(needs="event_types:write", location="/v1/scheduling/pools/{id}")


@app.post("/v1/scheduling/pools", status_code=201)
def create_pool(wanted: PoolCreate, caller: AuthenticatedCaller, once: IdempotencyKey) -> PoolDetailRead:
    with transaction(caller, once) as session:
        return once.answer(session, pools.create_pool(session, caller, wanted))


lambda_handler = entrypoint(app)
