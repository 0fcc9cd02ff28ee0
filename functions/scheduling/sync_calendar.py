"""POST /v1/scheduling/calendars/{calendar_connection_id}/sync"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling.calendars import accounts
from parley.scheduling.calendars.schemas import CalendarConnectionRead as Read

app = api(needs="calendars:write")


@app.post("/v1/scheduling/calendars/<calendar_connection_id>/sync", status_code=202)
def sync_calendar(calendar_connection_id: UUID, caller: AuthenticatedCaller) -> Read:
    with transaction(caller) as session:
        return accounts.ask_for_sync(session, caller, calendar_connection_id)


lambda_handler = entrypoint(app)
