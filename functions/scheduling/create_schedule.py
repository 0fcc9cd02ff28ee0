"""POST /v1/scheduling/schedules"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import schedules
from parley.scheduling.schedule_schemas import ScheduleCreate, ScheduleDetailRead

app = api(needs="schedules:write")


@app.post("/v1/scheduling/schedules", status_code=201)
def create_schedule(wanted: ScheduleCreate, caller: AuthenticatedCaller, once: RequestOnce) -> ScheduleDetailRead:
    with transaction(caller, once) as session:
        return once.answer(session, schedules.create_schedule(session, caller, wanted))


lambda_handler = entrypoint(app)
