"""GET /v1/scheduling/schedules"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page
from parley.scheduling import schedules
from parley.scheduling.schemas import ScheduleRead

app = api(needs="schedules:read")


@app.get("/v1/scheduling/schedules")
def list_schedules(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[ScheduleRead]:
    with transaction(caller) as session:
        return schedules.schedules(session, caller, cursor=cursor, limit=limit)


lambda_handler = entrypoint(app)
