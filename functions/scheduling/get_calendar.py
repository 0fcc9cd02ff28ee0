"""GET /v1/scheduling/calendars/{calendar_connection_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.calendar_connections import calendar_accounts
from parley.scheduling.calendar_connections.schemas import CalendarConnectionDetailRead

app = api(needs="calendars:read")


@app.get("/v1/scheduling/calendars/<calendar_connection_id>")
def get_calendar(calendar_connection_id: UUID, caller: AuthenticatedCaller) -> CalendarConnectionDetailRead:
    with transaction(caller) as session:
        return calendar_accounts.own_connection(session, caller, calendar_connection_id)


lambda_handler = entrypoint(app)
