"""Every kind of mail in every language, as files and pictures to look at (`make mails`): no marks, no English rests, nothing runs over."""

from __future__ import annotations

import email
import email.policy
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import sync_playwright

from parley.identity.accounts import email_links
from parley.identity.accounts.security_alerts import SecurityChange
from parley.identity.mails import account_mails, invitation_mail, security_alert_mail, single_sign_on_mail
from parley.identity.models import Invitation, MemberRole, User, VerificationKind, VerificationToken
from parley.kernel.values.clock import now
from parley.kernel.values.ids import new_id
from parley.notifications.email.email_message import Mail
from parley.notifications.enums import NotificationChannel, RecipientKind
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import Words
from parley.scheduling.notifications import address_proof_mail, agreement_page, booking_mails, connection_failure_mail, workflow_messages
from parley.scheduling.notifications.booking_mails import BookingMailFacts, BookingMailKind, MailRecipient
from parley.scheduling.notifications.icalendar import CalendarUser
from parley.scheduling.tables.calendar_models import CalendarConnection, CalendarStatus
from parley.scheduling.tables.enums import AgreementStatus
from parley.scheduling.tables.workflow_models import AddressAgreement
from parley.webhooks import alerts as webhook_letters
from parley.webhooks.declared import WebhooksEvent
from parley.webhooks.models import DisabledReason, WebhookSubscription
from tests.harness import World
from tests.pages.browser_server import ARGUMENTS, chromium

FOLDER = Path(__file__).parents[2] / "build" / "artifacts" / "mails"
HER, ID = "grace@visitor.example", UUID(int=1)


def bookings(locale: str) -> Iterator[tuple[str, Mail]]:
    start = now().replace(microsecond=0) + timedelta(days=3)
    facts = BookingMailFacts(
        booking_id=ID,
        calendar_uid=ID,
        sequence=1,
        changed_at=now(),
        start=start,
        end=start + timedelta(minutes=30),
        timezone="Europe/Berlin",
        location="https://meet.example.com/abc",
        event_type_name="Intro",
        organization_name="Acme GmbH",
        hosts=[CalendarUser("Ada Lovelace", "ada@acme.example")],
        invitee_name="Grace Hopper",
        invitee_email=HER,
        notes="1 + 1\n= 2",
        answers=[("?", "42")],
        reason="COBOL",
        is_pending=False,
        token="token",
        page="https://parley.example/acme/intro",
        before=None,
    )
    invitee = MailRecipient(RecipientKind.INVITEE, "Grace Hopper", HER, "Europe/Berlin", "invitee", locale=locale)
    host = MailRecipient(
        RecipientKind.HOST, "Ada Lovelace", "ada@acme.example", "Europe/Berlin", "host", "https://parley.example/host/x", locale
    )
    for news in BookingMailKind:
        moved = (start - timedelta(days=1), start - timedelta(days=1, minutes=-30)) if news is BookingMailKind.MOVED else None
        mail_facts = replace(facts, before=moved, is_pending=news is BookingMailKind.REQUESTED)
        yield f"booking-{news.value.lower()}-invitee", booking_mails.compose(mail_facts, invitee, news)
        yield f"booking-{news.value.lower()}-host", booking_mails.compose(mail_facts, host, news)


def accounts(locale: str) -> Iterator[tuple[str, Mail]]:
    words = Words("identity", locale)
    for kind in account_mails._SAID:
        for owner in (None, ID):
            link = email_links.Link(ID, kind, HER, None, None, owner, None, now(), "digest")
            if (mail := account_mails._for(link, words)) is not None:
                yield f"link-{kind.value.lower()}-{'known' if owner else 'new'}", mail
    for change in SecurityChange:
        wanted = {"change": change.value, "provider": "google", "dropped": ["second_factor", "google"]}
        alert = VerificationToken(id=ID, kind=VerificationKind.SECURITY_ALERT, email=HER, wanted=wanted, expires_at=now(), token_hash="x")
        yield f"alert-{change.value}", security_alert_mail._letter(alert, HER, words)
    invitation = Invitation(id=ID, organization_id=ID, email=HER, role=MemberRole.ADMIN, expires_at=now() + timedelta(days=7))
    for event in single_sign_on_mail.EVENTS:
        names = {"name": "Acme GmbH", "domain": "acme.example"}
        mail = single_sign_on_mail._letter(event, names, words, recipient=HER, recipient_name="Grace Hopper", entity="x")
        yield event.replace(".", "-"), mail
    yield "invitation", invitation_mail._letter(invitation, "Acme GmbH", "R & D", "Ada Lovelace", words)


def others(locale: str) -> Iterator[tuple[str, Mail]]:
    words = Words("webhooks", locale)
    row = WebhookSubscription(id=ID, name="Shop", url="https://shop.example/hook", is_active=False)
    for reason in DisabledReason:
        row.disabled_reason = reason
        if webhook_letters._content(row, WebhooksEvent.SUBSCRIPTION_DISABLED, words) is not None:
            yield f"webhook-{reason.value.lower()}", webhook_letters._mail(row, WebhooksEvent.SUBSCRIPTION_DISABLED, HER, words, new_id())
    row.is_active, row.warned_at = True, now()
    yield "webhook-failing", webhook_letters._mail(row, WebhooksEvent.SUBSCRIPTION_FAILING, HER, words, new_id())
    scheduling_words = Words("scheduling", locale)
    for status in (CalendarStatus.EXPIRED, CalendarStatus.ERROR):
        connection = CalendarConnection(id=ID, account_name="ada@acme.example", status=status)
        yield f"calendar-{status.value.lower()}", connection_failure_mail._letter(connection, User(email=HER), scheduling_words, "x")
    yield "address-proof", address_proof_mail._letter(HER, "123456", "Intro", "Acme GmbH", scheduling_words, "x")
    agreement = AddressAgreement(id=ID, organization_id=ID, channel=NotificationChannel.EMAIL, address=HER, status=AgreementStatus.PENDING)
    question = workflow_messages.compose(agreement_page.question(agreement, "Acme GmbH", locale))
    assert isinstance(question, Mail)
    yield "agreement", question


KINDS: tuple[Callable[[str], Iterator[tuple[str, Mail]]], ...] = (bookings, accounts, others)


def bodies(mail: Mail) -> tuple[str, dict[str, Any]]:
    message = email.message_from_bytes(mail.message, policy=email.policy.default)
    return message["Subject"], {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}


@pytest.fixture(autouse=True)
def settings(world: World) -> World:
    """Mails hold addresses of the stack."""
    return world


@pytest.mark.parametrize("language", languages.OFFERED)
def test_each_kind_is_whole_in_each_language(language: str) -> None:
    english = {name: bodies(mail) for make in KINDS for name, mail in make("en")}
    for make in KINDS:
        for name, mail in make(language):
            subject, parts = bodies(mail)
            assert f'lang="{language}"' in parts["text/html"] or "workflow" in name or name == "agreement"
            for text in (subject, *parts["text/plain"].splitlines()):
                assert "%(" not in text
                assert "{{" not in text
            if language != "en":
                assert parts["text/plain"] != english[name][1]["text/plain"], name
    assert len(english) >= 35


@pytest.mark.skipif(not os.environ.get("MAILS") or chromium() is None, reason="`make mails` writes them, with a browser")
def test_pictures_to_look_at() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    wide: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        for language in languages.OFFERED:
            page = browser.new_page(viewport={"width": 640, "height": 400})
            for make in KINDS:
                for name, mail in make(language):
                    subject, parts = bodies(mail)
                    path = FOLDER / f"{name}.{language}"
                    path.with_name(f"{path.name}.html").write_text(parts["text/html"])
                    path.with_name(f"{path.name}.txt").write_text(f"{subject}\n\n{parts['text/plain']}")
                    page.set_content(parts["text/html"])
                    page.screenshot(path=f"{path}.png", full_page=True)
                    if page.evaluate("document.documentElement.scrollWidth") > 640:
                        wide.append(path.name)
        browser.close()
    assert wide == []
