"""POST /v1/inbox/connections"""

from parley.inbox import account_checks, account_verification, service
from parley.inbox.schemas import ConnectionCreate, ConnectionRead
from parley.kernel.access.callers import system
from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction

app = api(needs="connections:write", location="/v1/inbox/connections/{id}")


@app.post("/v1/inbox/connections", status_code=201)
def create_connection(wanted: ConnectionCreate, caller: AuthenticatedCaller, once: IdempotencyKey) -> ConnectionRead:
    with transaction(caller):  # for who may not come in, nobody is asked
        pass
    account_verification.verify_account(wanted)
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
