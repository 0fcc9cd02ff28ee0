"""POST /v1/webhooks/subscriptions/{subscription_id}/enable"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.webhooks import subscriptions
from parley.webhooks.schemas import SubscriptionRead

app = api(needs="webhooks:write")


@app.post("/v1/webhooks/subscriptions/<subscription_id>/enable")
def enable_subscription(subscription_id: UUID, caller: AuthenticatedCaller) -> SubscriptionRead:
    with transaction(caller) as session:
        row = subscriptions.enable(session, caller, subscription_id)
        session.flush()
        return SubscriptionRead.model_validate(row)


lambda_handler = entrypoint(app)
