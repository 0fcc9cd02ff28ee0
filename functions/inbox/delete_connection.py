"""DELETE /v1/inbox/connections/{connection_id}"""

from uuid import UUID

from parley.inbox import service
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="connections:write")


@app.delete("/v1/inbox/connections/<connection_id>", status_code=204)
def delete_connection(connection_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        service.disconnect(session, caller, connection_id)


lambda_handler = entrypoint(app)
