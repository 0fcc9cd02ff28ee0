"""POST /v1/webhooks/deliveries/{delivery_id}/replay"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, RequestOnce, api, entrypoint
from parley.webhooks import deliveries
from parley.webhooks.schemas import DeliveryRead

app = api(needs="webhooks:write")


@app.post("/v1/webhooks/deliveries/<delivery_id>/replay", status_code=202)
def replay_delivery(delivery_id: UUID, caller: AuthenticatedCaller, once: RequestOnce) -> DeliveryRead:
    with transaction(caller, once) as session:
        delivery = deliveries.replay(session, caller, delivery_id)
        return once.answer(session, DeliveryRead.model_validate(delivery), 202)


lambda_handler = entrypoint(app)
