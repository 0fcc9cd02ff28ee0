"""DELETE /v1/scheduling/event-types/{event_type_id}"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.scheduling import event_types

app = api(needs="event_types:write")


@app.delete("/v1/scheduling/event-types/<event_type_id>", status_code=204)
def delete_event_type(event_type_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        event_types.delete_event_type(session, caller, event_type_id)


lambda_handler = entrypoint(app)
