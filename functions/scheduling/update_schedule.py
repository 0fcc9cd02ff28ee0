"""PATCH /v1/scheduling/schedules/{schedule_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.availability import schedules
from parley.scheduling.availability.schemas import ScheduleDetailRead, ScheduleUpdate

app = api(needs="schedules:write")


@app.patch("/v1/scheduling/schedules/<schedule_id>")
def update_schedule(schedule_id: UUID, wanted: ScheduleUpdate, caller: AuthenticatedCaller) -> ScheduleDetailRead:
    with transaction(caller) as session:
        return schedules.update_schedule(session, caller, schedule_id, wanted)


lambda_handler = entrypoint(app)
