"""GET /v1/scheduling/event-types/{event_type_id}/slots"""

from typing import Annotated
from uuid import UUID

from aws_lambda_powertools.event_handler.openapi.params import Query

from parley.kernel.db import transaction
from parley.kernel.http import Access, Visitor, api, entrypoint
from parley.kernel.texts import InstantIn, TimeZone
from parley.scheduling import event_types, slots
from parley.scheduling.event_type_schemas import OpenSlotsRead

app = api(needs=Access.ANYBODY)


@app.get("/v1/scheduling/event-types/<event_type_id>/slots")
def list_slots(
    event_type_id: UUID,
    from_: Annotated[InstantIn, Query(alias="from")],
    to: InstantIn,
    visitor: Visitor,
    timezone: TimeZone | None = None,
) -> OpenSlotsRead:
    slots.check_range(from_, to)
    caller = visitor.acting_for(event_types.organization_of(event_type_id))
    with transaction(caller) as session:
        return slots.slots(session, event_type_id, from_, to, timezone)


lambda_handler = entrypoint(app)
