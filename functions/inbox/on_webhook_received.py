"""Queue inbox-webhooks: a body of WhatsApp's webhooks, from the queue that receive_webhook puts it on."""

from aws_lambda_powertools.metrics import MetricUnit

from parley.inbox.parcels import SET_ASIDE, name_of, unpack
from parley.inbox.receiving import Reason, take_in
from parley.kernel import objects
from parley.kernel.clock import now
from parley.kernel.jobs import logger, metrics, queue_worker
from parley.kernel.settings import setting


def set_aside(reason: Reason, content: bytes) -> None:
    """Keep it in S3, where no tenant reads; the metric calls a person."""
    key = f"{SET_ASIDE}/{reason}/{name_of(content, now())}"
    objects.put(setting("MEDIA_BUCKET"), key, content)
    logger.warning("set aside", reason=reason, key=key)
    if reason != "unhandled":
        metrics.add_metric(name="WebhooksSetAside", unit=MetricUnit.Count, value=1)


def receive(message: str) -> None:
    body, arrived_at = unpack(message, lambda key: objects.get(setting("MEDIA_BUCKET"), key))
    take_in(body, arrived_at, set_aside)


lambda_handler = queue_worker(receive)
