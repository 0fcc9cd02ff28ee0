"""GET /v1/scheduling/schedules/{schedule_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.availability import schedules
from parley.scheduling.availability.schemas import ScheduleDetailRead

app = api(needs="schedules:read")


@app.get("/v1/scheduling/schedules/<schedule_id>")
def get_schedule(schedule_id: UUID, caller: AuthenticatedCaller) -> ScheduleDetailRead:
    with transaction(caller) as session:
        return schedules.schedule(session, schedule_id)


lambda_handler = entrypoint(app)
