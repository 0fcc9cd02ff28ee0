"""GET /v1/scheduling/pools/{pool_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling import pools
from parley.scheduling.pool_schemas import PoolDetailRead

app = api(needs="event_types:read")


@app.get("/v1/scheduling/pools/<pool_id>")
def get_pool(pool_id: UUID, caller: AuthenticatedCaller) -> PoolDetailRead:
    with transaction(caller) as session:
        return pools.pool(session, caller, pool_id)


lambda_handler = entrypoint(app)
