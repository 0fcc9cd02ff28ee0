"""POST /v1/scheduling/schedules, PATCH and DELETE …/{schedule_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.scheduling import schedules
from parley.scheduling.schedule_schemas import ScheduleCreate, ScheduleDetailRead, ScheduleUpdate

app = api(needs="schedules:write")


@app.post("/v1/scheduling/schedules", status_code=201)
def create_schedule(wanted: ScheduleCreate, caller: AuthenticatedCaller, once: RequestOnce) -> ScheduleDetailRead:
    with transaction(caller, once) as session:
        return once.answer(session, schedules.create_schedule(session, caller, wanted))


@app.patch("/v1/scheduling/schedules/<schedule_id>")
def update_schedule(schedule_id: UUID, wanted: ScheduleUpdate, caller: AuthenticatedCaller) -> ScheduleDetailRead:
    with transaction(caller) as session:
        return schedules.update_schedule(session, caller, schedule_id, wanted)


@app.delete("/v1/scheduling/schedules/<schedule_id>", status_code=204)
def delete_schedule(schedule_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        schedules.delete_schedule(session, caller, schedule_id)


lambda_handler = entrypoint(app)
