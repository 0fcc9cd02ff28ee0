"""GET /v1/scheduling/event-types"""

from typing import Literal
from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction
from parley.scheduling.event_types import event_type_service
from parley.scheduling.event_types.schemas import EventTypeRead

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
        return event_type_service.event_types(session, cursor=cursor, limit=limit, user_id=owner, team_id=team_id)


lambda_handler = entrypoint(app)
