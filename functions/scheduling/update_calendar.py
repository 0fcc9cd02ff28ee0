"""PATCH /v1/scheduling/calendars/{calendar_connection_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling.calendars import accounts
from parley.scheduling.calendars.schemas import CalendarConnectionDetailRead as Detail
from parley.scheduling.calendars.schemas import CalendarConnectionUpdate

app = api(needs="calendars:write")


@app.patch("/v1/scheduling/calendars/<calendar_connection_id>")
def update_calendar(calendar_connection_id: UUID, wanted: CalendarConnectionUpdate, caller: AuthenticatedCaller) -> Detail:
    with transaction(caller) as session:
        return accounts.update_connection(session, caller, calendar_connection_id, wanted)


lambda_handler = entrypoint(app)
