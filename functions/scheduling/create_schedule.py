"""POST /v1/scheduling/schedules"""

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.availability import schedules
from parley.scheduling.availability.schemas import ScheduleCreate, ScheduleDetailRead

app = api(needs="schedules:write", location="/v1/scheduling/schedules/{id}")


@app.post("/v1/scheduling/schedules", status_code=201)
def create_schedule(wanted: ScheduleCreate, caller: AuthenticatedCaller, once: IdempotencyKey) -> ScheduleDetailRead:
    with transaction(caller, once) as session:
        return once.answer(session, schedules.create_schedule(session, caller, wanted))


lambda_handler = entrypoint(app)
