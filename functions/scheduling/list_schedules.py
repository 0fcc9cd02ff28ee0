"""GET /v1/scheduling/schedules"""

from typing import Literal
from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.availability import schedules
from parley.scheduling.availability.schemas import ScheduleRead

app = api(needs="schedules:read")


@app.get("/v1/scheduling/schedules")
def list_schedules(
    caller: AuthenticatedCaller, user_id: UUID | Literal["me"] | None = None, limit: Limit = 50, cursor: Cursor | None = None
) -> Page[ScheduleRead]:
    owner = caller.person_id if user_id == "me" else user_id
    with transaction(caller) as session:
        return schedules.schedules(session, cursor=cursor, limit=limit, user_id=owner)


lambda_handler = entrypoint(app)
