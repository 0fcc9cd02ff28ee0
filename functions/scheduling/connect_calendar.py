"""POST /v1/scheduling/calendars"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling.calendars import accounts
from parley.scheduling.calendars.schemas import CalendarConnectionCreate
from parley.scheduling.calendars.schemas import CalendarConnectionDetailRead as Detail

app = api(needs="calendars:write")


@app.post("/v1/scheduling/calendars", status_code=201)
def connect_calendar(wanted: CalendarConnectionCreate, caller: AuthenticatedCaller, once: RequestOnce) -> Detail:
    accounts.check_person(caller)
    with transaction(caller):  # nobody outside is asked for who may not come in
        pass
    account = accounts.discover(wanted)
    with transaction(caller, once) as session:
        return once.answer(session, accounts.connect(session, caller, account))


lambda_handler = entrypoint(app)
