"""GET /v1/webhooks/deliveries/{delivery_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.webhooks import deliveries
from parley.webhooks.schemas import DeliveryDetailRead

app = api(needs="webhooks:read")


@app.get("/v1/webhooks/deliveries/<delivery_id>")
def get_delivery(delivery_id: UUID, caller: AuthenticatedCaller) -> DeliveryDetailRead:
    with transaction(caller) as session:
        return deliveries.delivery(session, caller, delivery_id)


lambda_handler = entrypoint(app)
