"""Queue webhook-requests: makes one attempt each, side by side, and reports what became of it.

It lies in no network and knows no database and no secret: a request is signed when it comes here.
"""

from parley.kernel.jobs import side_by_side_worker
from parley.kernel.settings import setting
from parley.kernel.signed import send_message
from parley.webhooks.messages import ATTEMPT_ENDED, Request, envelope
from parley.webhooks.sending import attempt


def send(message: str) -> None:
    request = Request.model_validate_json(message)
    outcome = attempt(request)
    if outcome is not None:
        report = envelope(ATTEMPT_ENDED, request.organization_id, outcome.model_dump(mode="json"))
        send_message(setting("WEBHOOK_EVENTS_QUEUE_URL"), report)


lambda_handler = side_by_side_worker(send)
