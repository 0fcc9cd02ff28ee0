"""Templates of messages: `{{invitee.name}}` is replaced by a value, and nothing else happens.

A template is taken apart by one regular expression. There are no expressions, attributes, loops or filters, and a value is never looked
into for variables of its own.
"""

import re
import unicodedata
from collections.abc import Mapping

from parley.kernel.values.errors import Unprocessable
from parley.kernel.values.fields import storable
from parley.notifications.email.email_message import display_name

VARIABLES: dict[str, str] = {
    "recipient.name": "Who gets the message; their address, where no name is known.",
    "invitee.name": "The invitee's name.",
    "invitee.first_name": "Its first word.",
    "invitee.email": "The invitee's address.",
    "invitee.phone": "The invitee's number, if they gave one.",
    "invitee.timezone": "The invitee's time zone.",
    "invitee.notes": "What the invitee wrote.",
    "host.name": "The name of the first host.",
    "host.email": "The address of the first host.",
    "hosts.names": "The names of all hosts, with commas.",
    "organization.name": "The organization's name.",
    "event_type.name": "The event type's name.",
    "booking.id": "The booking's id.",
    "booking.start": "Date and time of the start, with the recipient's zone: 2026-12-07 10:00 (Europe/Berlin).",
    "booking.end": "The same of the end.",
    "booking.date": "The date, in the recipient's zone: 2026-12-07.",
    "booking.start_time": "The time of the start, in the recipient's zone: 10:00.",
    "booking.end_time": "The time of the end, in the recipient's zone.",
    "booking.timezone": "The recipient's zone.",
    "booking.when": "In words of the recipient's language: Monday, 7 December 2026, 10:00 to 10:30 (Europe/Berlin).",
    "booking.duration": "Its length in minutes.",
    "booking.location": "Where it takes place.",
    "booking.answers": "Questions and answers, a line each.",
    "booking.cancel_reason": "Why it was canceled, if somebody said so.",
    "booking.previous_start": "Of a booking that was moved, the start that it had before.",
    "booking.link": "The page to change or cancel it. For the invitee alone; empty for everybody else.",
}
"""What a template may name, and what it becomes."""

LINK = "booking.link"
# Stands in a rendered text for the link, which is a secret and stored nowhere: no value holds this character (Unicode: not a character).
LINK_MARK = "\ufdd0"
_FIELD = re.compile(r"(?<!\{)\{\{\s{0,9}([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s{0,9}\}\}(?!\})")
_LONGEST = 20_000
_BY_STRANGERS = {"invitee.notes", "booking.answers", "booking.cancel_reason"}


class UnknownVariable(Unprocessable):
    """A template names what there is not. `unknown` says what, `variables` what there is, `field` where."""


class BrokenTemplate(Unprocessable):
    """Braces that hold no name of a variable."""


def check(field: str, template: str | None) -> None:
    """Raises `UnknownVariable`, `BrokenTemplate`."""
    if not template:
        return
    rest = _FIELD.sub(lambda match: " " * len(match[0]), template)
    broken = [at for at in (rest.find("{{"), rest.find("}}")) if at >= 0]
    if broken:
        at = min(broken)
        shown = template[at : at + 40].splitlines()[0]
        raise BrokenTemplate(
            f"In {field}, at character {at + 1}, there are braces without the name of a variable between them: {shown!r}. "
            "A variable is written {{invitee.name}}.",
            field=field,
            position=at + 1,
            variables=sorted(VARIABLES),
        )
    unknown = sorted(set(_FIELD.findall(template)) - VARIABLES.keys())
    if unknown:
        raise UnknownVariable(
            f"In {field}, there is no variable {', '.join(unknown)}. There are: {', '.join(sorted(VARIABLES))}.",
            field=field,
            unknown=unknown,
            variables=sorted(VARIABLES),
        )


def render(template: str | None, values: Mapping[str, str]) -> str:
    """The text, with every variable replaced. One that has no value here is empty."""
    return _FIELD.sub(lambda match: values.get(match[1], ""), template or "")[:_LONGEST]


def subject(template: str | None, values: Mapping[str, str]) -> str:
    """The same for a line that stands above a mail: what strangers wrote is short there, and nothing in it is a link."""
    return render(template, {**values, **{name: display_name(values[name]) for name in _BY_STRANGERS & values.keys()}}).replace("\n", " ")


def clean(value: str) -> str:
    """A value without control characters, but for line breaks, and without our mark."""
    kept = storable(value.replace("\r\n", "\n").replace("\r", "\n")).replace(LINK_MARK, "")
    return "".join(
        character if character == "\n" or unicodedata.category(character) not in ("Cc", "Zl", "Zp") else " " for character in kept
    )


def with_link(text: str, link: str) -> str:
    """The text as it leaves."""
    return text.replace(LINK_MARK, link)


def text_for_log(text: str | None) -> str | None:
    """The text as the log shows it: everybody who may read the log must not hold the invitee's key."""
    return text.replace(LINK_MARK, "[link]") if text else text
