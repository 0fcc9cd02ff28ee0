"""GET /v1/scheduling/calendars, …/{calendar_connection_id} and …/{connection_id}/calendars"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page
from parley.scheduling.calendars import accounts
from parley.scheduling.calendars.schemas import CalendarConnectionDetailRead, CalendarConnectionRead, ConnectedCalendarsRead

app = api(needs="calendars:read")


@app.get("/v1/scheduling/calendars")
def list_calendars(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[CalendarConnectionRead]:
    with transaction(caller) as session:
        return accounts.own(session, caller, cursor=cursor, limit=limit)


@app.get("/v1/scheduling/calendars/<calendar_connection_id>")
def get_calendar(calendar_connection_id: UUID, caller: AuthenticatedCaller) -> CalendarConnectionDetailRead:
    with transaction(caller) as session:
        return accounts.one(session, caller, calendar_connection_id)


@app.get("/v1/scheduling/calendars/<calendar_connection_id>/calendars")
def list_calendars_of_connection(calendar_connection_id: UUID, caller: AuthenticatedCaller) -> ConnectedCalendarsRead:
    with transaction(caller) as session:
        return accounts.calendars(session, caller, calendar_connection_id)


lambda_handler = entrypoint(app)
