"""The recorded events of tests/events hold no secret. Where the platform would have used one, the secret of the stack at hand goes in:

    python -m local.recorded_events tests/events/inbox_whatsapp_webhook.json     prints it for the bundle that `make run` serves

`make invoke` does the same with its event.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.problems import Problem, end_with

SIGNATURE = "x-hub-signature-256"


def filled(recorded: str, environment: Mapping[str, str]) -> Any:
    """The event with the handshake's token, and signed if it is a delivery, as Meta would send it to this stack."""
    event = json.loads(recorded.replace("<WHATSAPP_VERIFY_TOKEN>", environment.get("WHATSAPP_VERIFY_TOKEN", "")))
    if isinstance(event, dict) and SIGNATURE in event.get("headers", {}):
        signature = hmac.digest(environment["WHATSAPP_APP_SECRET"].encode(), event["body"].encode(), hashlib.sha256)
        event["headers"][SIGNATURE] = f"sha256={signature.hex()}"
    return event


def main() -> int:
    from local.sam import environment

    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        recorded = Path(sys.argv[1]).read_text()
    except OSError as problem:
        raise Problem(f"There is no event {sys.argv[1]}: {problem.strerror}.") from problem
    print(json.dumps(filled(recorded, environment())))
    return 0


if __name__ == "__main__":
    end_with(main)
