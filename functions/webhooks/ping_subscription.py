"""POST /v1/webhooks/subscriptions/{subscription_id}/ping"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.webhooks import subscriptions
from parley.webhooks.schemas import DeliveryRead

app = api(needs="webhooks:write")


@app.post("/v1/webhooks/subscriptions/<subscription_id>/ping", status_code=202)
def ping_subscription(subscription_id: UUID, caller: AuthenticatedCaller, once: IdempotencyKey) -> DeliveryRead:
    with transaction(caller, once) as session:
        delivery = subscriptions.ping(session, caller, subscription_id)
        return once.answer(session, DeliveryRead.model_validate(delivery), 202)


lambda_handler = entrypoint(app)
