"""POST /v1/webhooks/subscriptions"""

from parley.kernel.edge.http import AuthenticatedCaller, SealedIdempotencyKey, api, entrypoint
from parley.kernel.outbound.http_client import check_destination
from parley.kernel.persistence.transactions import transaction
from parley.webhooks import subscriptions
from parley.webhooks.schemas import SubscriptionCreate, SubscriptionSecretRead

app = api(needs="webhooks:write", location="/v1/webhooks/subscriptions/{id}")


@app.post("/v1/webhooks/subscriptions", status_code=201)
def create_subscription(wanted: SubscriptionCreate, caller: AuthenticatedCaller, once: SealedIdempotencyKey) -> SubscriptionSecretRead:
    check_destination(wanted.url)
    with transaction(caller, once) as session:
        return once.answer(session, subscriptions.subscribe(session, caller, wanted))


lambda_handler = entrypoint(app)
