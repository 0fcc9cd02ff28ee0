"""POST /v1/webhooks/subscriptions/{subscription_id}/rotate-secret"""

from uuid import UUID

from parley.kernel.edge.http import AuthenticatedCaller, SealedIdempotencyKey, api, entrypoint
from parley.kernel.persistence.transactions import transaction
from parley.webhooks import subscriptions
from parley.webhooks.schemas import RotationWanted, SubscriptionSecretRead

app = api(needs="webhooks:write", location="/v1/webhooks/subscriptions/{id}")


@app.post("/v1/webhooks/subscriptions/<subscription_id>/rotate-secret", status_code=201)
def rotate_secret(
    subscription_id: UUID, caller: AuthenticatedCaller, once: SealedIdempotencyKey, wanted: RotationWanted | None = None
) -> SubscriptionSecretRead:
    with transaction(caller, once) as session:
        return once.answer(session, subscriptions.rotate(session, caller, subscription_id, wanted or RotationWanted()))


lambda_handler = entrypoint(app)
