"""GET /v1/scheduling/calendars/{calendar_connection_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling.calendars import accounts
from parley.scheduling.calendars.schemas import CalendarConnectionDetailRead

app = api(needs="calendars:read")


@app.get("/v1/scheduling/calendars/<calendar_connection_id>")
def get_calendar(calendar_connection_id: UUID, caller: AuthenticatedCaller) -> CalendarConnectionDetailRead:
    with transaction(caller) as session:
        return accounts.one(session, caller, calendar_connection_id)


lambda_handler = entrypoint(app)
