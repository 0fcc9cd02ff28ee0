"""One attempt, made outside of the network and without the database."""

import time
from datetime import datetime

from parley.kernel.outbound.http_client import RequestFailed, request
from parley.kernel.values import clock
from parley.webhooks.queue_messages import AttemptOutcome, AttemptRequest

LONGEST_ANSWER = 4096


def attempt(wanted: AttemptRequest) -> AttemptOutcome | None:
    """Send it and say what became of it. None: its time is over, and another attempt will be made, or is."""
    if clock.now() > wanted.not_after:
        return None
    at, began = clock.now(), time.monotonic()
    try:
        answer = request("POST", wanted.url, wanted.headers, wanted.body.encode(), most_bytes=LONGEST_ANSWER)
    except RequestFailed as failure:
        return _outcome(wanted, at, began, error=failure.code)
    body = answer.body.decode("utf-8", "replace")
    return _outcome(
        wanted, at, began, status_code=answer.status, response_body=body, retry_after=answer.headers.get("retry-after", "")[:100]
    )


def _outcome(
    wanted: AttemptRequest,
    at: datetime,
    began: float,
    *,
    status_code: int | None = None,
    error: str | None = None,
    response_body: str | None = None,
    retry_after: str | None = None,
) -> AttemptOutcome:
    return AttemptOutcome(
        subscription_id=wanted.subscription_id,
        delivery_id=wanted.delivery_id,
        attempt_id=wanted.attempt_id,
        started_at=at,
        duration_ms=round((time.monotonic() - began) * 1000),
        status_code=status_code,
        error=error,
        response_body=response_body,
        retry_after=retry_after,
    )
