"""POST /v1/webhooks/subscriptions"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, SecretOnce, api, entrypoint
from parley.kernel.outgoing import check_destination
from parley.webhooks import subscriptions
from parley.webhooks.schemas import SubscriptionCreate, SubscriptionSecretRead

app = api(needs="webhooks:write")


@app.post("/v1/webhooks/subscriptions", status_code=201)
def create_subscription(wanted: SubscriptionCreate, caller: AuthenticatedCaller, once: SecretOnce) -> SubscriptionSecretRead:
    check_destination(wanted.url)
    with transaction(caller, once) as session:
        return once.answer(session, subscriptions.subscribe(session, caller, wanted))


lambda_handler = entrypoint(app)
