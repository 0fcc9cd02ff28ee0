"""POST /v1/scheduling/calendars/{calendar_connection_id}/sync"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.calendar_connections import calendar_accounts
from parley.scheduling.calendar_connections.schemas import CalendarConnectionRead as Read

app = api(needs="calendars:write")


@app.post("/v1/scheduling/calendars/<calendar_connection_id>/sync", status_code=202)
def sync_calendar(calendar_connection_id: UUID, caller: AuthenticatedCaller) -> Read:
    with transaction(caller) as session:
        return calendar_accounts.ask_for_sync(session, caller, calendar_connection_id)


lambda_handler = entrypoint(app)
