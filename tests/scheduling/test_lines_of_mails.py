"""Each fact of a mail has a line of its own, in the text and in the HTML."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from itertools import product
from typing import Any

import pytest

from parley.identity.mails.account_mails import compose_account_mail
from parley.kernel.values.ids import new_id
from parley.notifications.email.email_message import Mail
from parley.notifications.enums import NotificationChannel, RecipientKind
from parley.scheduling.notifications import booking_mails, workflow_messages
from parley.scheduling.notifications.booking_mails import BookingMailFacts, BookingMailKind, MailRecipient
from parley.scheduling.notifications.icalendar import CalendarUser
from tests.scheduling.booking_scenarios import SentMail

START, END = datetime(2027, 3, 1, 9, tzinfo=UTC), datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
NOTES = "Bring coffee.\nAnd cake."
FULL = BookingMailFacts(
    booking_id=new_id(),
    calendar_uid=new_id(),
    sequence=1,
    changed_at=START,
    start=START,
    end=END,
    timezone="UTC",
    location="Room 7",
    event_type_name="Introduction",
    organization_name="Acme",
    hosts=[CalendarUser("Ada", "ada@acme.example"), CalendarUser("Alan", "alan@acme.example")],
    invitee_name="Grace Hopper",
    invitee_email="grace@visitor.example",
    notes=NOTES,
    answers=[("Days", "Mon, Tue"), ("Size", "40")],
    reason="No time",
    is_pending=False,
    token="a" * 43,
    page="https://parley.example/acme/introduction",
    before=(START, END),
)
LESS: list[dict[str, Any]] = [
    {},
    {"location": None, "notes": None, "answers": [], "reason": None, "before": None, "page": None},
    {"invitee_name": "Somebody", "invitee_email": ""},
    {"hosts": []},
    {"reason": None},
    {"answers": []},
]
READERS = (
    MailRecipient(RecipientKind.INVITEE, "Grace Hopper", "grace@visitor.example", "UTC", "invitee"),
    MailRecipient(RecipientKind.HOST, "Ada", "ada@acme.example", "UTC", "host"),
)
LABEL = r"(?:When|Before|Where|With|Reason|Notes|Days|Size)"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_FROM", "hello@parley.example")
    monkeypatch.setenv("PUBLIC_URL", "https://parley.example")


def lines_of(html: str) -> list[str]:
    """What stands on lines of its own in the HTML."""
    body = re.sub(r"\s+", " ", html.partition("<body")[2].partition(">")[2])
    blocks = re.split(r"<br>|</?(?:p|h1|div|ul|li|html|body)\b[^>]*>", body)
    return [unescape(re.sub(r"<[^>]+>", "", block)).strip() for block in blocks if re.sub(r"<[^>]+>", "", block).strip()]


@pytest.mark.parametrize(("news", "to", "less"), list(product(BookingMailKind, READERS, LESS)))
def test_no_two_facts_of_a_booking_stand_in_one_line(news: BookingMailKind, to: MailRecipient, less: dict[str, Any]) -> None:
    sent = SentMail(booking_mails.compose(replace(FULL, **less), to, news).message)
    lines = sent.text.splitlines()
    labelled = {name: line for line in lines if (name := line.partition(": ")[0]) and re.fullmatch(LABEL, name)}
    for line in lines:
        assert len(re.findall(rf"{LABEL}: ", line)) <= 1, line
        assert line.count("http") <= 1 and not re.search(r"\S.*https?://|https?://\S+\s", line), line
    assert {"When", "With"} <= set(labelled)
    shown = lines_of(sent.html)
    for name, line in labelled.items():
        assert name in shown, (name, shown)
        assert line.partition(": ")[2] in [*shown, NOTES.splitlines()[0]], line
    assert not [line for line in shown if re.search(rf"\S\s*{LABEL}$|^{LABEL}\s*\S", line) and line not in labelled]


def test_lines_of_what_somebody_wrote_stay_lines_in_html() -> None:
    sent = SentMail(booking_mails.compose(FULL, READERS[1], BookingMailKind.BOOKED).message)
    (kept,) = re.findall(r"<p><strong>Notes</strong><br>(.*?)</p>", sent.html, re.DOTALL)
    assert "Bring coffee.<br>" in kept.replace("\n", "") and "And cake." in kept
    assert NOTES in sent.text.replace("\r\n", "\n")


@pytest.mark.parametrize("has_link", [True, False])
def test_paragraphs_of_letters_stay_apart(has_link: bool) -> None:
    paragraphs = ["One sentence.", "Another one.", "A third."]
    link = "https://parley.example/links/x" if has_link else None
    sent = SentMail(
        compose_account_mail("a@b.example", subject="Something", paragraphs=paragraphs, entity="e", link=link, action="Do it").message
    )
    lines = [line for line in sent.text.splitlines() if line]
    assert lines == ["Something", *paragraphs, *(["Do it:", link] if has_link else [])]
    assert [line for line in lines_of(sent.html) if line in lines] == ["Something", *paragraphs]


def test_lines_of_a_workflows_mail_stay_lines() -> None:
    message = workflow_messages.WorkflowMessage(
        id=new_id(),
        channel=NotificationChannel.EMAIL,
        recipient="a@b.example",
        recipient_name="A",
        subject="Something",
        text="One\nTwo\n\nThree",
        sender="Acme",
        reply_to=None,
        entity="e",
    )
    mail = workflow_messages.compose(message)
    assert isinstance(mail, Mail)
    sent = SentMail(mail.message)
    assert sent.text.splitlines() == ["One", "Two", "", "Three"]
    assert lines_of(sent.html) == ["One", "Two", "Three", "Acme"]
