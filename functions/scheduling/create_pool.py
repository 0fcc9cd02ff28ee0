"""POST /v1/scheduling/pools"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import pools
from parley.scheduling.pool_schemas import PoolCreate, PoolDetailRead

app = api(needs="event_types:write")


@app.post("/v1/scheduling/pools", status_code=201)
def create_pool(wanted: PoolCreate, caller: AuthenticatedCaller, once: RequestOnce) -> PoolDetailRead:
    with transaction(caller, once) as session:
        return once.answer(session, pools.create_pool(session, caller, wanted))


lambda_handler = entrypoint(app)
