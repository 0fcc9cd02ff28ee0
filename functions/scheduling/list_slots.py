"""GET /v1/scheduling/event-types/{event_type_id}/slots"""

from typing import Annotated
from uuid import UUID

from aws_lambda_powertools.event_handler.openapi.params import Query

from parley.kernel.edge.http import Access, Visitor, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.kernel.values.fields import RequestInstant, TimeZone
from parley.scheduling.availability import slots
from parley.scheduling.availability.schemas import OpenSlotsRead
from parley.scheduling.event_types import event_type_service

app = api(needs=Access.ANYBODY)


@app.get("/v1/scheduling/event-types/<event_type_id>/slots")
def list_slots(
    event_type_id: UUID,
    from_: Annotated[RequestInstant, Query(alias="from")],
    to: RequestInstant,
    visitor: Visitor,
    timezone: TimeZone | None = None,
) -> OpenSlotsRead:
    slots.check_range(from_, to)
    caller = visitor.acting_for(event_type_service.organization_of(event_type_id))
    with transaction(caller) as session:
        return slots.slots(session, event_type_id, from_, to, timezone)


lambda_handler = entrypoint(app)
