"""POST /v1/inbox/connections"""

from parley.inbox import account_checks, account_proof, service
from parley.inbox.schemas import ConnectionCreate, ConnectionRead
from parley.kernel.callers import system
from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint

app = api(needs="connections:write")


@app.post("/v1/inbox/connections", status_code=201)
def create_connection(wanted: ConnectionCreate, caller: AuthenticatedCaller, once: RequestOnce) -> ConnectionRead:
    with transaction(caller):  # for who may not come in, nobody is asked
        pass
    account_proof.prove(wanted)
    try:
        with transaction(caller, once) as session:
            connection, superseded = service.connect_number(session, caller, wanted)
            answer = once.answer(session, ConnectionRead.model_validate(connection))
    except service.NumberTaken:
        account_checks.hasten(wanted.phone_number_id)
        raise
    if superseded is not None:
        with transaction(system(superseded)) as session:
            service.supersede(session, session.info["caller"], wanted.phone_number_id)
    return answer


lambda_handler = entrypoint(app)
