"""POST /v1/webhooks/deliveries/{delivery_id}/replay"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.webhooks import deliveries
from parley.webhooks.schemas import DeliveryRead

app = api(needs="webhooks:write")


@app.post("/v1/webhooks/deliveries/<delivery_id>/replay", status_code=202)
def replay_delivery(delivery_id: UUID, caller: AuthenticatedCaller, once: IdempotencyKey) -> DeliveryRead:
    with transaction(caller, once) as session:
        delivery = deliveries.replay(session, caller, delivery_id)
        return once.answer(session, DeliveryRead.model_validate(delivery), 202)


lambda_handler = entrypoint(app)
