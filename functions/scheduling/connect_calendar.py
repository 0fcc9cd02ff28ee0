"""POST /v1/scheduling/calendars"""

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.calendar_connections import calendar_accounts
from parley.scheduling.calendar_connections.schemas import CalendarConnectionCreate
from parley.scheduling.calendar_connections.schemas import CalendarConnectionDetailRead as Detail

app = api(needs="calendars:write", location="/v1/scheduling/calendars/{id}")


@app.post("/v1/scheduling/calendars", status_code=201)
def connect_calendar(wanted: CalendarConnectionCreate, caller: AuthenticatedCaller, once: IdempotencyKey) -> Detail:
    calendar_accounts.check_person(caller)
    with transaction(caller):  # nobody outside is asked for who may not come in
        pass
    account = calendar_accounts.discover(wanted)
    with transaction(caller, once) as session:
        return once.answer(session, calendar_accounts.connect(session, caller, account))


lambda_handler = entrypoint(app)
