"""GET /v1/webhooks/subscriptions"""

from parley.kernel.edge.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.persistence.pagination import Cursor, Limit, Page
from parley.kernel.persistence.transactions import transaction
from parley.webhooks import subscriptions
from parley.webhooks.schemas import SubscriptionRead

app = api(needs="webhooks:read")


@app.get("/v1/webhooks/subscriptions")
def list_subscriptions(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[SubscriptionRead]:
    with transaction(caller) as session:
        return subscriptions.subscriptions(session, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
