"""A captcha before strangers' bookings: a provider on loopback that speaks `siteverify`."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import pytest
from sqlalchemy import select

from local.client import Answer
from parley.scheduling.tables.booking_models import Booking
from tests.harness import Client, Member
from tests.kernel.http_receivers import ReceivedRequest, Receiver, Reply
from tests.scheduling.booking_scenarios import Office, at, invitee
from tests.scheduling.test_booking_page import hidden, submit, text

SECRET = "secret of the captcha"  # of no provider


@pytest.fixture
def provider(endpoint: Receiver, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """Each token that begins with "good" is good once."""
    used: set[str] = set()

    def answer(arrival: ReceivedRequest) -> Reply:
        token = parse_qs(arrival.body.decode())["response"][0]
        is_good = token.startswith("good") and token not in used
        used.add(token)
        return Reply(200, json.dumps({"success": is_good, "error-codes": []}).encode())

    endpoint.answer = answer
    settings = {"PROVIDER": "turnstile", "SITE_KEY": "1x00", "SECRET": SECRET, "VERIFY_URL": f"{endpoint.url}/siteverify"}
    for name, value in settings.items():
        monkeypatch.setenv(f"CAPTCHA_{name}", value)
    return endpoint


def book(office: Office, event_type: dict[str, Any], token: str | None, headers: dict[str, str] | None = None) -> Answer:
    body = {"event_type_id": event_type["id"], "start_time": at("10:00"), "invitee": invitee(email=f"{uuid4().hex}@visitor.example")}
    return office.stranger.post("/v1/scheduling/bookings", body | ({"captcha_token": token} if token else {}), headers)


def test_nobody_books_without_a_good_token(office: Office, acme: Member, event_type: dict[str, Any], provider: Receiver) -> None:
    for token in (None, "bad"):
        refused = book(office, event_type, token)
        assert (refused.status, refused.body["code"]) == (422, "captcha_needed")
    assert acme.rows(select(Booking.id)) == []
    assert book(office, event_type, "good 1").status == 201
    form = parse_qs(provider.arrived[-1].body.decode())
    assert form == {"secret": [SECRET], "response": ["good 1"], "remoteip": ["127.0.0.1"]}


def test_a_request_that_comes_again_is_not_asked_again(office: Office, event_type: dict[str, Any], provider: Receiver) -> None:
    body = {
        "event_type_id": event_type["id"],
        "start_time": at("10:00"),
        "invitee": invitee(email=f"{event_type['id']}@visitor.example"),
        "captcha_token": "good 2",
    }
    first, again = (office.stranger.post("/v1/scheduling/bookings", body, {"idempotency-key": "1"}) for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body


@pytest.mark.parametrize("answer", [Reply(500), Reply(200, b"[" * 5000), Reply(200, b"{}")])
def test_while_nobody_answers_the_address_is_proved_instead_or_nobody_books(
    office: Office, event_type: dict[str, Any], provider: Receiver, monkeypatch: pytest.MonkeyPatch, answer: Reply
) -> None:
    provider.answer = lambda _: answer
    assert book(office, event_type, "good 3").body["code"] == "address_proof_needed"
    monkeypatch.setenv("CAPTCHA_FAILS", "closed")
    closed = book(office, event_type, "good 3")
    assert (closed.status, closed.body["code"]) == (503, "captcha_away")


def test_the_page_shows_the_widget_and_lets_its_origin_in(
    office: Office, acme: Member, event_type: dict[str, Any], provider: Receiver, stranger: Client
) -> None:
    path = f"/acme-{acme.organization_id.hex}/{event_type['slug']}"
    month = stranger.get(path)
    assert "challenges.cloudflare.com" not in month.headers["content-security-policy"] + text(month)
    page = stranger.get(path, time=at("10:00"), timezone="Europe/Berlin")
    assert 'class="cf-turnstile" data-sitekey="1x00"' in text(page) and SECRET not in text(page)
    policy = dict(part.strip().partition(" ")[::2] for part in page.headers["content-security-policy"].split(";"))
    assert policy["frame-src"] == "https://challenges.cloudflare.com"
    assert policy["script-src"].endswith(" https://challenges.cloudflare.com") and "unsafe" not in str(policy)
    grace = {"name": "Grace Hopper", "email": f"{event_type['id']}@visitor.example"}
    refused = submit(stranger, path, hidden(page) | grace)
    assert refused.status == 422 and "you are a person" in text(refused)
    assert submit(stranger, path, hidden(refused) | grace | {"cf-turnstile-response": "good 4"}).status == 303


def test_without_a_captcha_there_is_none(office: Office, acme: Member, event_type: dict[str, Any], stranger: Client) -> None:
    page = stranger.get(f"/acme-{acme.organization_id.hex}/{event_type['slug']}", time=at("10:00"), timezone="Europe/Berlin")
    assert 'data-sitekey="' not in text(page) and "frame-src" not in page.headers["content-security-policy"]
    assert book(office, event_type, None).status == 201
