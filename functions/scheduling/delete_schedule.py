"""DELETE /v1/scheduling/schedules/{schedule_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.availability import schedules

app = api(needs="schedules:write")


@app.delete("/v1/scheduling/schedules/<schedule_id>", status_code=204)
def delete_schedule(schedule_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        schedules.delete_schedule(session, caller, schedule_id)


lambda_handler = entrypoint(app)
