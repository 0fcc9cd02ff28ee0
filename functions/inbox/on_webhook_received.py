"""Queue inbox-webhooks: a body of WhatsApp's webhooks, from the queue that receive_webhook puts it on."""

from aws_lambda_powertools.metrics import MetricUnit

from parley.inbox.claim_check import QUARANTINE, name_of, unpack
from parley.inbox.inbound_webhooks import QuarantineReason, process_webhook
from parley.kernel.aws import s3_objects
from parley.kernel.values.clock import now
from parley.kernel.values.settings import setting
from parley.kernel.workers.jobs import logger, metrics, queue_worker


def quarantine(reason: QuarantineReason, content: bytes) -> None:
    """Keep it in S3, where no tenant reads; the metric calls a person."""
    key = f"{QUARANTINE}/{reason}/{name_of(content, now())}"
    s3_objects.put(setting("MEDIA_BUCKET"), key, content)
    logger.warning("in quarantine", reason=reason, key=key)
    if reason != "unhandled":
        metrics.add_metric(name="WebhooksQuarantined", unit=MetricUnit.Count, value=1)


def receive(message: str) -> None:
    body, arrived_at = unpack(message, lambda key: s3_objects.get(setting("MEDIA_BUCKET"), key))
    process_webhook(body, arrived_at, quarantine)


lambda_handler = queue_worker(receive)
