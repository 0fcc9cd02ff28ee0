"""GET /v1/inbox/connections/{connection_id}"""

from uuid import UUID

from parley.inbox import service
from parley.inbox.schemas import ConnectionRead
from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="connections:read")


@app.get("/v1/inbox/connections/<connection_id>")
def get_connection(connection_id: UUID, caller: AuthenticatedCaller) -> ConnectionRead:
    with transaction(caller) as session:
        return ConnectionRead.model_validate(service.connection(session, connection_id))


lambda_handler = entrypoint(app)
