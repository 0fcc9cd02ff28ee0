"""GET /v1/scheduling/schedules/{schedule_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling import schedules
from parley.scheduling.schedule_schemas import ScheduleDetailRead

app = api(needs="schedules:read")


@app.get("/v1/scheduling/schedules/<schedule_id>")
def get_schedule(schedule_id: UUID, caller: AuthenticatedCaller) -> ScheduleDetailRead:
    with transaction(caller) as session:
        return schedules.schedule(session, caller, schedule_id)


lambda_handler = entrypoint(app)
