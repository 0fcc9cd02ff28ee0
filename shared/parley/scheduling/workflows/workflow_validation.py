"""What a workflow may say: which fields belong to which trigger and channel."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from parley.kernel.values.errors import Unprocessable
from parley.notifications import sms
from parley.notifications.enums import NotificationChannel, RecipientKind
from parley.scheduling.common.scheduling_fields import Address
from parley.scheduling.notifications import workflow_templates
from parley.scheduling.tables.enums import WorkflowTrigger


class MisfitWorkflow(Unprocessable):
    """Fields that don't fit together. `errors` names each of them."""


def check(terms: Mapping[str, Any]) -> None:
    """Raises `MisfitWorkflow`, `UnknownVariable`, `BrokenTemplate`, `TextsNotOffered`. `terms` has every field, addresses in their form."""
    problems = [*_of_trigger(terms), *_of_channel(terms)]
    if terms["event_type_id"] is not None and terms["is_organization_wide"]:
        problems.append(("is_organization_wide", "is for workflows without an event_type_id"))
    if problems:
        errors = [{"field": field, "msg": message} for field, message in problems]
        raise MisfitWorkflow("; ".join(f"{field} {message}" for field, message in problems) + ".", errors=errors)
    workflow_templates.check("subject", terms["subject"])
    workflow_templates.check("body", terms["body"])
    if terms["channel"] is NotificationChannel.SMS:
        sms.check_offered()


def _of_trigger(terms: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field, trigger in (("minutes_before", WorkflowTrigger.BEFORE_MEETING), ("minutes_after", WorkflowTrigger.AFTER_MEETING)):
        if (terms[field] is not None) != (terms["trigger"] is trigger):
            yield field, f"is {'for' if terms[field] is not None else 'needed with'} {trigger.value}"


def _of_channel(terms: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    channel = terms["channel"]
    if (channel is NotificationChannel.WEBHOOK) != (terms["url"] is not None):
        yield "url", "is needed with WEBHOOK" if terms["url"] is None else "is for WEBHOOK"
    if channel is NotificationChannel.WEBHOOK:
        if terms["recipients"] or terms["addresses"]:
            yield "recipients", "and addresses are for EMAIL and SMS"
        return
    if terms["body"] is None:
        yield "body", f"is needed with {channel.value}"
    if channel is NotificationChannel.EMAIL:
        if terms["subject"] is None:
            yield "subject", "is needed with EMAIL"
        elif "\n" in terms["subject"] or "\r" in terms["subject"]:
            yield "subject", "is one line"
        yield from (("addresses", f"{address!r} is no e-mail address") for address in terms["addresses"] if not _is_mailbox(address))
        return
    if terms["subject"] is not None:
        yield "subject", "is for EMAIL"
    if RecipientKind.HOST in terms["recipients"]:
        yield "recipients", "of an SMS can't be hosts, of whom no number is known; name numbers in addresses"
    yield from (
        ("addresses", f"{address!r} is no number in E.164, like +491700000001") for address in terms["addresses"] if not _is_number(address)
    )
    if terms["body"] is not None and sms.segments(terms["body"]) > sms.MOST_SEGMENTS:
        yield "body", f"takes more than {sms.MOST_SEGMENTS} parts of an SMS (459 characters, or 201 with letters beyond GSM 03.38)"


def _is_number(written: str) -> bool:
    return sms.number(written) == written


@cache
def _mailbox() -> TypeAdapter[str]:
    return TypeAdapter(Address)


def _is_mailbox(written: str) -> bool:
    try:
        return _mailbox().validate_python(written) == written
    except ValidationError:
        return False
