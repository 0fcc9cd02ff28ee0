"""PATCH /v1/webhooks/subscriptions/{subscription_id}"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.outbound.http_client import check_destination
from parley.kernel.persistence.transactions import transaction
from parley.webhooks import subscriptions
from parley.webhooks.schemas import SubscriptionRead, SubscriptionUpdate

app = api(needs="webhooks:write")


@app.patch("/v1/webhooks/subscriptions/<subscription_id>")
def update_subscription(subscription_id: UUID, wanted: SubscriptionUpdate, caller: AuthenticatedCaller) -> SubscriptionRead:
    if wanted.url is not None:
        check_destination(wanted.url)
    with transaction(caller) as session:
        row = subscriptions.change(session, caller, subscription_id, wanted)
        session.flush()
        return SubscriptionRead.model_validate(row)


lambda_handler = entrypoint(app)
