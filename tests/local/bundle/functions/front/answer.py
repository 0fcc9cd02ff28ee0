"""Says what it was asked, or does what the query wants: sleep, exit, raise, a strange answer."""

import os
import time
from typing import Any

from _words import SIDE  # type: ignore[import-not-found]  # beside the handler, whose folder is on the path

STARTED_IN = os.getpid()


def lambda_handler(event: Any, context: Any) -> Any:
    wanted = event.get("queryStringParameters", {})
    if "sleep" in wanted:
        time.sleep(float(wanted["sleep"]))
    if "exit" in wanted:
        os._exit(3)
    if "raise" in wanted:
        raise ValueError("wanted")
    if "answer" in wanted:
        return {
            "text": "short form",
            "number": {"statusCode": "many"},
            "cookies": {"statusCode": 201, "cookies": ["a=1", "b=2"], "headers": {"X-One": "1"}, "body": "aGk=", "isBase64Encoded": True},
            "split": {"statusCode": 200, "headers": {"x": "a\r\nb: c"}},
            "large": {"statusCode": 200, "body": "x" * 7_000_000},
        }[wanted["answer"]]
    print("a line for the log")
    seen = {"event": event, "side": SIDE, "pid": os.getpid(), "parent": STARTED_IN, "environment": dict(os.environ)}
    return seen | {"remaining": context.get_remaining_time_in_millis(), "function": context.function_name}
