"""POST /v1/webhooks/subscriptions/{subscription_id}/rotate-secret"""

from uuid import UUID

from parley.kernel.db import transaction
from parley.kernel.http import AuthenticatedCaller, SecretOnce, api, entrypoint
from parley.webhooks import subscriptions
from parley.webhooks.schemas import RotationWanted, SubscriptionSecretRead

app = api(needs="webhooks:write")


@app.post("/v1/webhooks/subscriptions/<subscription_id>/rotate-secret", status_code=201)
def rotate_secret(
    subscription_id: UUID, caller: AuthenticatedCaller, once: SecretOnce, wanted: RotationWanted | None = None
) -> SubscriptionSecretRead:
    with transaction(caller, once) as session:
        return once.answer(session, subscriptions.rotate(session, caller, subscription_id, wanted or RotationWanted()))


lambda_handler = entrypoint(app)
