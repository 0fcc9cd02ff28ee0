"""Queue mail-feedback: addresses that mails bounce from, or that complain, as SES tells by way of EventBridge."""

from parley.kernel.access.callers import NOWHERE, system
from parley.kernel.persistence.transactions import transaction
from parley.kernel.workers.jobs import queue_worker
from parley.notifications.email import ses_events, suppressions


def work(body: str) -> None:
    with transaction(system(NOWHERE)) as session:
        for feedback in ses_events.feedback(body):
            suppressions.record(session, feedback.address, feedback.kind, feedback.reason, feedback.feedback_id)


lambda_handler = queue_worker(work)
