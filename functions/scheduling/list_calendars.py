"""GET /v1/scheduling/calendars"""

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.calendar_connections import calendar_accounts
from parley.scheduling.calendar_connections.schemas import CalendarConnectionRead

app = api(needs="calendars:read")


@app.get("/v1/scheduling/calendars")
def list_calendars(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[CalendarConnectionRead]:
    with transaction(caller) as session:
        return calendar_accounts.own_connections(session, caller, cursor=cursor, limit=limit)


lambda_handler = entrypoint(app)
