"""DELETE /v1/scheduling/pools/{pool_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.round_robin import pools

app = api(needs="event_types:write")


@app.delete("/v1/scheduling/pools/<pool_id>", status_code=204)
def delete_pool(pool_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        pools.delete_pool(session, caller, pool_id)


lambda_handler = entrypoint(app)
