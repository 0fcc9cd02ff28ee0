"""GET /v1/webhooks/deliveries"""

from typing import Annotated
from uuid import UUID

from annotated_types import MaxLen

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction
from parley.webhooks import deliveries
from parley.webhooks.models import DeliveryStatus
from parley.webhooks.schemas import DeliveryRead

app = api(needs="webhooks:read")


@app.get("/v1/webhooks/deliveries")
def list_deliveries(
    caller: AuthenticatedCaller,
    subscription_id: UUID | None = None,
    status: DeliveryStatus | None = None,
    event: Annotated[str, MaxLen(64)] | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> Page[DeliveryRead]:
    with transaction(caller) as session:
        return deliveries.deliveries(session, subscription_id=subscription_id, status=status, event=event, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
