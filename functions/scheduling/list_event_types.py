"""GET /v1/scheduling/event-types"""

from typing import Literal
from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page
from parley.scheduling import event_types
from parley.scheduling.event_type_schemas import EventTypeRead

app = api(needs="event_types:read")


@app.get("/v1/scheduling/event-types")
def list_event_types(
    caller: AuthenticatedCaller,
    user_id: UUID | Literal["me"] | None = None,
    team_id: UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Page[EventTypeRead]:
    owner = caller.person_id if user_id == "me" else user_id
    with transaction(caller) as session:
        return event_types.event_types(session, caller, cursor=cursor, limit=limit, user_id=owner, team_id=team_id)


lambda_handler = entrypoint(app)
