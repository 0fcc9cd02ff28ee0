"""POST /v1/scheduling/calendars, PATCH and DELETE …/{calendar_connection_id}, POST …/sync"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling.calendars import accounts
from parley.scheduling.calendars.schemas import CalendarConnectionCreate, CalendarConnectionUpdate
from parley.scheduling.calendars.schemas import CalendarConnectionDetailRead as Detail
from parley.scheduling.calendars.schemas import CalendarConnectionRead as Read

app = api(needs="calendars:write")


@app.post("/v1/scheduling/calendars", status_code=201)
def connect_calendar(wanted: CalendarConnectionCreate, caller: AuthenticatedCaller, once: RequestOnce) -> Detail:
    accounts.check_person(caller)
    with transaction(caller):  # nobody outside is asked for who may not come in
        pass
    account = accounts.discover(wanted)
    with transaction(caller, once) as session:
        return once.answer(session, accounts.connect(session, caller, account))


@app.patch("/v1/scheduling/calendars/<calendar_connection_id>")
def update_calendar(calendar_connection_id: UUID, wanted: CalendarConnectionUpdate, caller: AuthenticatedCaller) -> Detail:
    with transaction(caller) as session:
        return accounts.update_connection(session, caller, calendar_connection_id, wanted)


@app.delete("/v1/scheduling/calendars/<calendar_connection_id>", status_code=204)
def disconnect_calendar(calendar_connection_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        accounts.delete_connection(session, caller, calendar_connection_id)


@app.post("/v1/scheduling/calendars/<calendar_connection_id>/sync", status_code=202)
def sync_calendar(calendar_connection_id: UUID, caller: AuthenticatedCaller) -> Read:
    with transaction(caller) as session:
        return accounts.ask_for_sync(session, caller, calendar_connection_id)


lambda_handler = entrypoint(app)
