"""POST /v1/inbox/connections"""

from parley.inbox import service
from parley.inbox.schemas import ConnectionCreate, ConnectionRead
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint

app = api(needs="connections:write")


@app.post("/v1/inbox/connections", status_code=201)
def create_connection(wanted: ConnectionCreate, caller: AuthenticatedCaller, once: RequestOnce) -> ConnectionRead:
    with transaction(caller, once) as session:
        connection = service.connect_number(session, caller, wanted)
        return once.answer(session, ConnectionRead.model_validate(connection))


lambda_handler = entrypoint(app)
