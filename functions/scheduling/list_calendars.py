"""GET /v1/scheduling/calendars"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page
from parley.scheduling.calendars import accounts
from parley.scheduling.calendars.schemas import CalendarConnectionRead

app = api(needs="calendars:read")


@app.get("/v1/scheduling/calendars")
def list_calendars(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[CalendarConnectionRead]:
    with transaction(caller) as session:
        return accounts.own(session, caller, cursor=cursor, limit=limit)


lambda_handler = entrypoint(app)
