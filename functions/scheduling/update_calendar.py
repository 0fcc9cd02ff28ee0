"""PATCH /v1/scheduling/calendars/{calendar_connection_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.calendar_connections import calendar_accounts
from parley.scheduling.calendar_connections.schemas import CalendarConnectionDetailRead as Detail
from parley.scheduling.calendar_connections.schemas import CalendarConnectionUpdate

app = api(needs="calendars:write")


@app.patch("/v1/scheduling/calendars/<calendar_connection_id>")
def update_calendar(calendar_connection_id: UUID, wanted: CalendarConnectionUpdate, caller: AuthenticatedCaller) -> Detail:
    with transaction(caller) as session:
        return calendar_accounts.update_connection(session, caller, calendar_connection_id, wanted)


lambda_handler = entrypoint(app)
