"""Each minute: has those connections synced, and those events written, whose time has come."""

from typing import Any

from aws_lambda_powertools import Logger

from parley.kernel.db import sweep
from parley.kernel.settings import setting
from parley.kernel.signed import send_message
from parley.scheduling.calendars import jobs

logger = Logger("parley")


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    with sweep() as session:
        messages = jobs.due(session)
    for message in messages:
        send_message(setting("CALENDAR_JOBS_QUEUE_URL"), message)
    logger.info("swept", extra={"sent": len(messages)})
    return {"sent": len(messages)}
