"""Writes each body of a batch as a line of a file; fails for bodies that say so."""

import json
import os
from pathlib import Path
from typing import Any

from _words import SIDE  # type: ignore[import-not-found]  # beside the handler, whose folder is on the path


def lambda_handler(event: Any, context: Any) -> Any:
    path = Path(os.environ["SEEN"])
    if "Records" not in event:
        path.open("a").write(f"{json.dumps(event)}\n")
        return None
    failed = []
    for record in event["Records"]:
        if "fail all" in record["body"]:
            raise RuntimeError("the whole batch")
        if "fail" in record["body"]:
            failed.append({"itemIdentifier": record["messageId"]})
        line = {
            "body": record["body"],
            "side": SIDE,
            "received": record["attributes"]["ApproximateReceiveCount"],
            "source": record["eventSource"],
        }
        path.open("a").write(f"{json.dumps(line)}\n")
    return {"batchItemFailures": failed}
