"""DELETE /v1/scheduling/calendars/{calendar_connection_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.calendar_connections import calendar_accounts

app = api(needs="calendars:write")


@app.delete("/v1/scheduling/calendars/<calendar_connection_id>", status_code=204)
def disconnect_calendar(calendar_connection_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        calendar_accounts.delete_connection(session, caller, calendar_connection_id)


lambda_handler = entrypoint(app)
