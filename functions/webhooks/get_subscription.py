"""GET /v1/webhooks/subscriptions/{subscription_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.webhooks import subscriptions
from parley.webhooks.schemas import SubscriptionRead

app = api(needs="webhooks:read")


@app.get("/v1/webhooks/subscriptions/<subscription_id>")
def get_subscription(subscription_id: UUID, caller: AuthenticatedCaller) -> SubscriptionRead:
    with transaction(caller) as session:
        return SubscriptionRead.model_validate(subscriptions.subscription(session, subscription_id))


lambda_handler = entrypoint(app)
