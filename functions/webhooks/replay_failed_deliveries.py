"""POST /v1/webhooks/subscriptions/{subscription_id}/replay-failed"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, IdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.webhooks import deliveries
from parley.webhooks.schemas import ReplayedRead, ReplayWanted

app = api(needs="webhooks:write")


@app.post("/v1/webhooks/subscriptions/<subscription_id>/replay-failed", operation_id="replay_failed", status_code=202)
def replay_failed_deliveries(
    subscription_id: UUID, wanted: ReplayWanted, caller: AuthenticatedCaller, once: IdempotencyKey
) -> ReplayedRead:
    with transaction(caller, once) as session:
        count = deliveries.replay_failed(session, caller, subscription_id, wanted.since)
        return once.answer(session, ReplayedRead(replayed=count), 202)


lambda_handler = entrypoint(app)
