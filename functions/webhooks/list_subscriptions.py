"""GET /v1/webhooks/subscriptions"""

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, api, entrypoint
from parley.kernel.paging import Cursor, Limit, Page
from parley.webhooks import subscriptions
from parley.webhooks.schemas import SubscriptionRead

app = api(needs="webhooks:read")


@app.get("/v1/webhooks/subscriptions")
def list_subscriptions(caller: AuthenticatedCaller, limit: Limit = 50, cursor: Cursor | None = None) -> Page[SubscriptionRead]:
    with transaction(caller) as session:
        return subscriptions.subscriptions(session, caller, limit=limit, cursor=cursor)


lambda_handler = entrypoint(app)
