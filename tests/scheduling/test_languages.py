"""Mails and pages in the language of who reads them: their own, their browser's, the organization's, else English."""

from __future__ import annotations

import email
import email.policy
from typing import Any

import pytest
from sqlalchemy import select, update

from parley.identity.models import User
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id
from parley.scheduling.tables.booking_models import Invitee
from tests.harness import Client, Member, World
from tests.identity.registered_users import address, received_mails
from tests.stack.load_scenarios import at, booking, event_type, schedule


def mails(world: World, recipient: str) -> list[tuple[str, str, str, str]]:
    """Subject, text, language of header and of HTML."""
    messages = []
    for mail in world.mails():
        if recipient in mail["to"]:
            message = email.message_from_string(mail["raw"], policy=email.policy.default)
            bodies = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
            lang = bodies["text/html"].split('lang="')[1].split('"')[0]
            messages.append((message["Subject"], bodies["text/plain"], message["Content-Language"], lang))
    return messages


def book(client: Any, kind: str, language: str | None = None, clock: str = "10:00", **invitee: Any) -> str:
    recipient = f"{new_id().hex}@visitor.example"
    body = booking(kind, at(clock), "x")
    body["invitee"] |= {"email": recipient} | invitee
    path = "/v1/scheduling/bookings"
    if isinstance(client, Member):
        path = f"/v1/scheduling/event-types/{body.pop('event_type_id')}/bookings"
    made = client.post(path, body, headers={"accept-language": language} if language else None)
    assert made.status == 201, made.body
    client.world.pump()
    return recipient


@pytest.fixture
def kind(acme: Member) -> str:
    return event_type(acme, schedule(acme))  # type: ignore[arg-type]  # both clients answer alike


def test_a_visitors_browser_chooses_the_language_of_their_mails(world: World, acme: Member, kind: str) -> None:
    recipient = book(Client(world), kind, "de-AT,de;q=0.9,en;q=0.5")
    ((_, text, header, lang),) = mails(world, recipient)
    assert text.splitlines()[0].startswith("Ihr Termin ist gebucht: ")
    assert "Wann: " in text
    assert " bis " in text
    assert "Normalzeit)" in text or "Weltzeit)" in text or "sommerzeit)" in text.lower()
    assert (header, lang) == ("de-AT", "de-AT")
    assert "Something came up" not in text
    assert acme.rows(select(Invitee.locale).where(Invitee.email == recipient)) == ["de-AT"]
    (host,) = acme.rows(select(User.email).where(User.id == acme.user_id))
    assert mails(world, str(host))[-1][1].startswith("New booking: ")  # in the host's own


def test_what_the_booking_says_wins_over_the_browser_and_the_organization(world: World, acme: Member, kind: str) -> None:
    assert acme.patch("/v1/identity/organization", {"locale": "fr"}).body["locale"] == "fr"
    recipient = book(Client(world), kind, "de", locale="es-MX")
    assert mails(world, recipient)[0][1].startswith("Su cita está reservada: ")


def test_the_organizations_language_is_for_who_has_chosen_none(world: World, acme: Member, kind: str) -> None:
    assert acme.patch("/v1/identity/organization", {"locale": "fr-CH"}).status == 200
    by_member = book(acme, kind, "de")  # a member's browser is not the invitee's
    assert (
        mails(world, by_member)[0][1].startswith("Votre rendez-vous est réservé : ") or "Votre rendez-vous" in mails(world, by_member)[0][1]
    )
    unknown = book(Client(world), kind, "it,pt;q=0.5", clock="11:00")
    assert "Votre rendez-vous est réservé" in mails(world, unknown)[0][1]


def test_a_host_reads_in_their_own_language(world: World, acme: Member, kind: str) -> None:
    with transactions.personal(acme.caller, acme.user_id) as session:
        session.execute(update(User).where(User.id == acme.user_id).values(locale="de"))
    recipient = book(Client(world), kind)
    (host,) = acme.rows(select(User.email).where(User.id == acme.user_id))
    _, text, _, _ = mails(world, str(host))[-1]
    assert text.startswith("Neue Buchung: ")
    assert mails(world, recipient)[0][1].startswith("You are booked: ")


@pytest.mark.parametrize("locale", ["", "d", "de_DE", "de-", "x" * 40, "de\r\nBcc: a@b.example", 5])
def test_what_is_no_language_tag_is_refused(acme: Member, kind: str, locale: Any) -> None:
    body = booking(kind, at("10:00"), "x")
    body["invitee"]["locale"] = locale
    assert acme.post("/v1/scheduling/bookings", body).status == 422
    assert acme.patch("/v1/identity/organization", {"locale": locale}).status == 422


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("de", "Bestätigen Sie Ihre Adresse für Parley"),
        ("fr", "Confirmez votre adresse pour Parley"),
        ("es", "Confirme su dirección para Parley"),
    ],
)
def test_who_registers_reads_the_link_and_its_page_in_their_browsers_language(world: World, language: str, subject: str) -> None:
    who = address()
    response = Client(world).post("/v1/auth/register", {"email": who}, headers={"accept-language": language})
    assert response.status == 202, response.body
    (letter,) = received_mails(world, who)
    assert letter.subject == subject
    page = Client(world).get(f"/links/{letter.token}", headers={"accept-language": language})
    assert f'<html lang="{language}">' in str(page.body)
    assert "Choose your password" not in str(page.body)
    english = Client(world).get(f"/links/{letter.token}")
    assert "Choose your password for Parley" in str(english.body)


def test_a_refusal_on_a_page_is_said_in_the_visitors_language(world: World) -> None:
    page = Client(world).get("/links/none", headers={"accept-language": "de"})
    assert page.status == 410
    assert "Dieser Link wurde schon benutzt" in str(page.body)


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("de", ("Zeit wählen", "Zeitzone", "Montag", " mit freien Zeiten")),
        ("fr", ("Choisir un créneau", "Fuseau horaire", "lundi", " avec des créneaux libres")),
        ("es", ("Elegir una hora", "Zona horaria", "lunes", " con horas libres")),
        ("en", ("Choose a time", "Time zone", "Monday", " with open times")),
    ],
)
def test_the_booking_page_is_in_the_visitors_language(world: World, acme: Member, language: str, sentences: tuple[str, ...]) -> None:
    slug = f"call-{new_id().hex}"
    event_type(acme, schedule(acme), slug=slug)  # type: ignore[arg-type]  # both clients answer alike
    organization = acme.get("/v1/identity/organization").body["slug"]
    page = Client(world).get(f"/{organization}/{slug}", headers={"accept-language": language})
    assert page.status == 200
    assert f'<html lang="{language}">' in str(page.body)
    assert [sentence for sentence in sentences if sentence not in str(page.body)] == []
    missing = Client(world).get(f"/{organization}/nothing-here", headers={"accept-language": language})
    assert (missing.status, "There is nothing to book here" in str(missing.body)) == (404, language == "en")


def test_a_page_is_in_the_organizations_language_where_the_browsers_is_not_offered(world: World, acme: Member) -> None:
    slug = f"call-{new_id().hex}"
    event_type(acme, schedule(acme), slug=slug)  # type: ignore[arg-type]  # both clients answer alike
    organization = acme.patch("/v1/identity/organization", {"locale": "fr"}).body["slug"]
    for path in (f"/{organization}/{slug}", f"/{organization}"):
        pages = {language: str(Client(world).get(path, headers={"accept-language": language}).body) for language in ("it", "de")}
        assert '<html lang="fr">' in pages["it"]
        assert '<html lang="de">' in pages["de"]
