"""Queue webhook-requests: makes one attempt each, side by side, and reports what became of it.

It lies in no network and knows no database and no secret: a request is signed when it comes here.
"""

from parley.kernel.aws.aws_requests import send_message
from parley.kernel.values.settings import setting
from parley.kernel.workers.jobs import concurrent_queue_worker
from parley.webhooks.declared import WebhooksEvent
from parley.webhooks.http_sender import attempt
from parley.webhooks.queue_messages import AttemptRequest, envelope


def send(message: str) -> None:
    request = AttemptRequest.model_validate_json(message)
    outcome = attempt(request)
    if outcome is not None:
        report = envelope(WebhooksEvent.ATTEMPT_ENDED, request.organization_id, outcome.model_dump(mode="json"))
        send_message(setting("WEBHOOK_EVENTS_QUEUE_URL"), report)


lambda_handler = concurrent_queue_worker(send)
