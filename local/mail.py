"""`make mail`: what the running stack has sent, as its readers would see it (TO=ada@… chooses, the newest is last)."""

from __future__ import annotations

import argparse
import sys
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

from local import running_stack
from local.emulator import mails
from local.problems import Problem

SHOWN = 5


def shown(mail: dict[str, Any]) -> str:
    """A mail's headers that matter and its text."""
    message = message_from_string(mail["raw"], policy=policy.default)
    assert isinstance(message, EmailMessage)
    text = message.get_body(preferencelist=("plain",))
    content = text.get_content().strip() if text is not None else ""
    return "\n".join([f"To: {message['To']}", f"Subject: {message['Subject']}", "", content])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.mail", description=__doc__)
    parser.add_argument("--to", default="", help="only mails to addresses with this in them")
    wanted = parser.parse_args(arguments)
    try:
        sent = [
            mail for mail in mails(running_stack.enter()["AWS_ENDPOINT_URL"]) if any(wanted.to.lower() in to.lower() for to in mail["to"])
        ]
    except (Problem, KeyError, OSError) as problem:
        print(f"{problem}", file=sys.stderr)
        return 1
    print(f"\n\n{'-' * 80}\n".join(shown(mail) for mail in sent[-SHOWN:]) or "No such mail was sent.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
