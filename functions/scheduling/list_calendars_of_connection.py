"""GET /v1/scheduling/calendars/{calendar_connection_id}/calendars"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.calendar_connections import calendar_accounts
from parley.scheduling.calendar_connections.schemas import ConnectedCalendarsRead

app = api(needs="calendars:read")


@app.get("/v1/scheduling/calendars/<calendar_connection_id>/calendars")
def list_calendars_of_connection(calendar_connection_id: UUID, caller: AuthenticatedCaller) -> ConnectedCalendarsRead:
    with transaction(caller) as session:
        return calendar_accounts.calendars(session, caller, calendar_connection_id)


lambda_handler = entrypoint(app)
