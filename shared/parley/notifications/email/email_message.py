"""Mails: text and HTML as one MIME message (RFC 2045, 5322)."""

import re
import unicodedata
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from parley.kernel.values.clock import now
from parley.kernel.values.settings import setting
from parley.notifications.email import email_headers
from parley.notifications.email.email_headers import mailbox
from parley.notifications.enums import NotificationChannel

# Bodies are encoded to ASCII: SES asks for it, for the sake of servers that take nothing else.
_SEVEN_BIT = SMTP.clone(cte_type="7bit")

LONGEST_NAME = 80
# Full stops and at signs of other scripts are links to mail programs as well (RFC 3490, 3.1; NFKC).
# Beyond ASCII whatever is no gap may stand in a domain: to `re` vowel signs are no letters, and there are domains of emoji.
_DOT = re.compile(r"(?<=[\w\-\x80-\U0010ffff])[.\u2024\u3002\ufe52\uff0e\uff61](?=[\u200c\u200d]*[^\W\d_](?:[^\W\d_]|[\x80-\U0010ffff]))")
_AT = re.compile(r"\s*[@\uff20\ufe6b]\s*")
_JOINERS = "\u200c\u200d"
"""What nobody sees, and writing needs: Persian, the scripts of India, emoji. The rest of its kind hides something, or turns it around."""


@dataclass(frozen=True, slots=True)
class Mail:
    """`is_requested`: somebody waits for it at this moment, a link or a code, so that it may try an address that bounced."""

    recipient: str
    message: bytes
    is_requested: bool = False

    @property
    def channel(self) -> NotificationChannel:
        return NotificationChannel.EMAIL


def single_line(text: str, limit: int = 200) -> str:
    """One line without control characters: for headers and calendar names, whatever somebody was once allowed to call himself."""
    spaced = "".join(" " if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") else character for character in text)
    return " ".join(spaced.split())[:limit]


def display_name(name: str) -> str:
    """A name that somebody has given themself, as it stands in headers, subjects and calendars: a name, and no place to put an address.

    What a mail program would make a link of is taken apart; "O'Neil-Smith (Acme, Inc.)" stays as it is.
    """
    seen = "".join(character for character in single_line(name) if unicodedata.category(character) != "Cf" or character in _JOINERS)
    apart = _DOT.sub(". ", _AT.sub(" at ", seen.replace("://", " ")))
    short = " ".join(apart.split())
    return short if len(short) <= LONGEST_NAME else f"{short[: LONGEST_NAME - 1].rstrip()}…"


def is_deliverable(address: str | None) -> bool:
    """Whether a header can hold it as one address. An account's address was not always checked by us."""
    try:
        return bool(Address(addr_spec=address or "").domain) and (address or "").isascii()
    except (ValueError, MessageError):
        return False


def draft(*, subject: str, sender: str, recipient: str, recipient_name: str = "", entity: str) -> EmailMessage:
    """A message with its headers, and without a body. `sender` and `recipient_name` are names, the product's address is the sender's.

    `entity` tells mail programs that two mails are copies of one: SES writes a Message-ID of its own, and leaves the second header alone.
    """
    message = EmailMessage(policy=_SEVEN_BIT)
    message["Subject"] = email_headers.subject(single_line(subject))
    message["From"] = mailbox("From", display_name(sender), setting("MAIL_FROM"))
    message["To"] = mailbox("To", display_name(recipient_name), recipient)
    message["Date"] = format_datetime(now())
    message["Message-ID"] = f"<{entity}@{setting('MAIL_FROM').rpartition('@')[2]}>"
    message["X-Entity-Ref-ID"] = entity
    message["Auto-Submitted"] = "auto-generated"
    return message


def finished(message: EmailMessage, recipient: str, locale: str = "en", *, is_requested: bool = False) -> Mail:
    """The mail, once it has its bodies: `email` forgets what was said of a content before there was one."""
    message["Content-Language"] = locale
    return Mail(recipient, message.as_bytes(), is_requested)


def compose(
    *,
    recipient: str,
    subject: str,
    template: str,
    folder: Path,
    entity: str,
    recipient_name: str = "",
    sender: str = "Parley",
    is_requested: bool = False,
    locale: str = "en",
    **shown: Any,
) -> Mail:
    """A mail with two bodies, `<template>.txt` and `<template>.html` of `folder`, which are shown the `subject` beside `shown`.

    `recipient` is deliverable (`is_deliverable`). `entity` names what the mail is about and is the same for every copy of it.
    """
    from parley.notifications.templates import render  # Jinja, for who writes mails: others ask what an address is

    message = draft(subject=subject, sender=sender, recipient=recipient, recipient_name=recipient_name, entity=entity)
    shown |= {"subject": subject, "lang": locale}
    message.set_content(render(folder, f"{template}.txt", **shown))
    message.add_alternative(render(folder, f"{template}.html", **shown), subtype="html")
    return finished(message, recipient, locale, is_requested=is_requested)
