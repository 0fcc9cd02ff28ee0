"""Somebody signs up: a mail with a link, an organization, a colleague by invitation, a key for a program, and the ends of all of them."""

from __future__ import annotations

import re
import secrets
import uuid
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

from local.client import Client
from local.demo import Played, PlayFailed, Scene, expect, wait_for


def play(scene: Scene) -> Played:
    played = Played()
    grace = f"grace.{uuid.uuid4().hex[:8]}@newcomer.example"
    password = secrets.token_urlsafe(15)
    client = _registered(scene, played, grace, password)
    owner = _founded(scene, played, client)
    _invited(scene, played, owner)
    _key(scene, played, owner)
    _ended(scene, played, grace, password)
    played.curl = ['curl -s {url}/v1/identity/members -H "Authorization: Bearer $TOKEN"']
    return played


def _letter(scene: Scene, address: str, subject: str) -> str:
    """The text of the newest mail to an address with that in its subject."""

    def look() -> str | None:
        for mail in reversed(scene.mails_to(address)):
            message = message_from_string(mail["raw"], policy=policy.default)
            assert isinstance(message, EmailMessage)
            if subject.lower() in str(message["Subject"]).lower():
                body = message.get_body(preferencelist=("plain",))
                return body.get_content() if body is not None else None
        return None

    return wait_for(f"a mail to {address} about {subject}", look)


def _token(letter: str) -> str:
    match = re.search(r"https?://\S+/([\w.~-]+)", letter)
    if match is None:
        raise PlayFailed(f"the mail has no link: {letter[:200]}")
    return match[1]


def _with(scene: Scene, answer: Any) -> Client:
    return Client(scene.stack.url, answer["access_token"])


def _registered(scene: Scene, played: Played, address: str, password: str) -> Client:
    wanted = {"email": address, "name": "Grace Hopper"}
    expect(scene.stranger.post("/v1/auth/register", wanted), 202)
    expect(scene.stranger.post("/v1/auth/login", {"email": address, "password": password}), 401)
    played.add_row("POST /v1/auth/register", "202, as for a known address; no account before the address is proven: log-in 401")
    if not scene.stack.shows_mails:
        raise PlayFailed("mails go elsewhere; this play reads them")
    letter = _letter(scene, address, "")
    answer = expect(scene.stranger.post("/v1/auth/verify-email", {"token": _token(letter), "password": password}), 200)
    expect(scene.stranger.post("/v1/auth/verify-email", {"token": _token(letter), "password": password}), 400, 401, 404, 409, 410)
    played.add_row("POST /v1/auth/verify-email", "200: logged in; the same link again is refused")
    played.text = letter.strip()
    return _with(scene, answer)


def _founded(scene: Scene, played: Played, client: Client) -> Client:
    name = f"Newcomers {uuid.uuid4().hex[:6]}"
    founded = expect(client.post("/v1/identity/organizations", {"name": name, "slug": name.lower().replace(" ", "-")}), 201)
    owner = _with(scene, expect(client.post("/v1/auth/switch", {"organization_id": founded["id"]}), 200))
    me = expect(owner.get("/v1/identity/me"), 200)
    played.add_row("POST /v1/identity/organizations, /v1/auth/switch", f"201, 200: {me['role']} on the plan {me['organization']['plan']}")
    refused = expect(owner.post("/v1/identity/api-keys", {"label": "Reports", "permissions": ["bookings:read"]}), 402)
    larger = expect(owner.request("PUT", "/v1/identity/organization/plan", {"plan": "BUSINESS"}), 402)
    assert scene.stack.environments is not None
    scene.stack.environments.invoke("IdentitySetPlan", {"organization_id": founded["id"], "plan": "BUSINESS"})
    outcome = f"402 {refused['code']}; PUT …/organization/plan: 402 {larger['code']}; an operator gives BUSINESS"
    played.add_row("POST /v1/identity/api-keys on FREE", outcome)
    return owner


def _invited(scene: Scene, played: Played, owner: Client) -> None:
    address = f"linus.{uuid.uuid4().hex[:8]}@newcomer.example"
    expect(owner.post("/v1/identity/invitations", {"email": address, "role": "VIEWER"}), 201)
    invitation = _token(_letter(scene, address, "invite"))
    password = secrets.token_urlsafe(15)
    expect(scene.stranger.post("/v1/auth/register", {"email": address, "name": "Linus"}), 202)
    letter = wait_for("the second mail", lambda: len(scene.mails_to(address)) > 1 and _letter(scene, address, ""))
    linus = _with(scene, expect(scene.stranger.post("/v1/auth/verify-email", {"token": _token(str(letter)), "password": password}), 200))
    accepted = expect(linus.post("/v1/auth/invitations/accept", {"token": invitation}), 200, 201)
    linus = _with(scene, expect(linus.post("/v1/auth/switch", {"organization_id": accepted["organization_id"]}), 200))
    refused = expect(linus.post("/v1/identity/invitations", {"email": address, "role": "VIEWER"}), 403)
    played.add_row("POST /v1/identity/invitations, …/accept", f"201, 200: a VIEWER; inviting: 403 {refused['code']} {refused['scope']}")


def _key(scene: Scene, played: Played, owner: Client) -> None:
    made = expect(owner.post("/v1/identity/api-keys", {"label": "Reports", "permissions": ["bookings:read"]}), 201)
    program = Client(scene.stack.url, made["key"])
    expect(program.get("/v1/scheduling/bookings"), 200)
    expect(program.get("/v1/scheduling/schedules"), 403)
    expect(owner.request("DELETE", f"/v1/identity/api-keys/{made['id']}"), 200, 204)
    expect(program.get("/v1/scheduling/bookings"), 401)
    played.add_row("POST /v1/identity/api-keys", f"201 {made['prefix']}…: bookings 200, schedules 403; revoked: 401 at once")


def _ended(scene: Scene, played: Played, address: str, password: str) -> None:
    first = expect(scene.stranger.post("/v1/auth/login", {"email": address, "password": password}), 200)
    second = expect(scene.stranger.post("/v1/auth/refresh", {"refresh_token": first["refresh_token"]}), 200)
    third = expect(scene.stranger.post("/v1/auth/refresh", {"refresh_token": second["refresh_token"]}), 200)
    refused = expect(scene.stranger.post("/v1/auth/refresh", {"refresh_token": first["refresh_token"]}), 401)
    expect(_with(scene, third).get("/v1/identity/me"), 401)
    played.add_row("POST /v1/auth/refresh with a used token", f"401 {refused['code']}; the whole session has ended: 401")
