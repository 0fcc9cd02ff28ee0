"""DELETE /v1/webhooks/subscriptions/{subscription_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.webhooks import subscriptions

app = api(needs="webhooks:write")


@app.delete("/v1/webhooks/subscriptions/<subscription_id>", status_code=204)
def delete_subscription(subscription_id: UUID, caller: AuthenticatedCaller) -> None:
    with transaction(caller) as session:
        subscriptions.delete(session, caller, subscription_id)


lambda_handler = entrypoint(app)
