"""PATCH /v1/scheduling/schedules/{schedule_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling import schedules
from parley.scheduling.schedule_schemas import ScheduleDetailRead, ScheduleUpdate

app = api(needs="schedules:write")


@app.patch("/v1/scheduling/schedules/<schedule_id>")
def update_schedule(schedule_id: UUID, wanted: ScheduleUpdate, caller: AuthenticatedCaller) -> ScheduleDetailRead:
    with transaction(caller) as session:
        return schedules.update_schedule(session, caller, schedule_id, wanted)


lambda_handler = entrypoint(app)
