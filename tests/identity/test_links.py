"""The pages behind the links of mails, in a browser without scripts; changes of address and password; the profile."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from local.client import Answer
from parley.identity.accounts import user_accounts
from parley.identity.declared import IdentityDirectory
from parley.identity.sessions.session_cookies import COOKIE
from parley.kernel.access.callers import NOWHERE, system
from parley.kernel.persistence import directory, transactions
from tests.harness import Member, World
from tests.identity.registered_users import PASSWORD, ProgramClient, address, person, received_mails, register
from tests.identity.test_second_factors import enrolled

FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
CHOSEN = b"name=Ada&password=" + PASSWORD.encode()
NEW = "three rivers, no bridge"


def submit(world: World, token: str, body: bytes = b"", headers: dict[str, str] = FORM) -> Answer:
    return ProgramClient(world).request("POST", f"/links/{token}", body, headers)


def test_looking_at_the_page_uses_nothing_up(world: World) -> None:
    _, token = register(world)
    for _ in range(3):
        page = ProgramClient(world).get(f"/links/{token}")
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert "<script" not in page.body
        assert token not in page.body
    assert 'value="Grace Hopper"' in page.body
    weak = submit(world, token, b"name=%3Cb%3EAda&password=short")
    assert weak.status == 422
    assert 'value="&lt;b&gt;Ada"' in weak.body  # what was typed stays
    assert submit(world, token).status == 422
    done = submit(world, token, CHOSEN)
    assert done.status == 200
    assert "Your account is made" in done.body
    assert done.headers["set-cookie"].startswith(COOKIE)
    again = ProgramClient(world).get(f"/links/{token}")
    assert again.status == 410
    assert "used already" in again.body


def test_another_site_can_not_submit_the_page(world: World) -> None:
    _, token = register(world)
    refused = submit(world, token, headers=FORM | {"sec-fetch-site": "cross-site", "origin": "https://evil.example"})
    assert refused.status == 403
    assert submit(world, token, CHOSEN).status == 200


def test_a_new_password_is_chosen_on_the_page(world: World) -> None:
    ada = person(world)
    ProgramClient(world).post("/v1/auth/password-reset", {"email": ada.email})
    token = received_mails(world, ada.email)[-1].token
    assert 'type="password"' in ProgramClient(world).get(f"/links/{token}").body
    weak = submit(world, token, b"password=password1234")
    assert weak.status == 422
    assert "guessed" in weak.body
    assert 'type="password"' in weak.body  # and asks for another one
    assert 'aria-describedby="said" aria-invalid="true"' in weak.body and '<div id="said">' in weak.body
    assert submit(world, token, f"password={NEW.replace(' ', '+')}".encode()).status == 200
    assert ada.log_in(NEW).status == 200


def test_the_page_of_a_magic_link_asks_for_the_second_factor(world: World) -> None:
    ada, app, _ = enrolled(world)
    ProgramClient(world).post("/v1/auth/magic-link", {"email": ada.email})
    token = received_mails(world, ada.email)[-1].token
    page = submit(world, token)
    assert "set-cookie" not in page.headers
    match = re.search(r'name="challenge" value="([\w-]+)"', page.body)
    assert match
    wrong = submit(world, token, f"challenge={match[1]}&code=000000".encode())
    assert wrong.status == 401
    assert match[1] in wrong.body
    done = submit(world, token, f"challenge={match[1]}&code={app.code()}".encode())
    assert done.status == 200
    assert done.headers["set-cookie"].startswith(COOKIE)


def test_hostile_tokens_and_forms_are_answered_with_a_page(world: World) -> None:
    for token in ("x", "a" * 2000, "%3Cscript%3E", "%00"):
        answer = ProgramClient(world).get(f"/links/{token}")
        assert answer.status in (400, 410)
        assert "<script" not in answer.body if isinstance(answer.body, str) else True
    assert submit(world, "x", b"challenge=%3Cscript%3E&code=1").status == 401
    assert submit(world, "x", b"\xff\xfe").status in (400, 410)


def test_a_new_address_is_confirmed_and_the_old_one_told(world: World) -> None:
    ada, new = person(world), address()
    assert ada.post("/v1/auth/email", {"email": new, "password": "not my password"}).body["code"] == "wrong_password"
    assert ada.post("/v1/auth/email", {"email": new}).body["code"] == "wrong_password"
    assert ada.post("/v1/auth/email", {"email": new, "password": PASSWORD}).status == 202
    assert ada.get("/v1/identity/me").body["email"] == ada.email
    token = received_mails(world, new)[-1].token
    client = ProgramClient(world, ada.log_in().body["access_token"])
    assert ada.post("/v1/auth/email/confirm", {"token": token}).status == 204
    assert ada.post("/v1/auth/email/confirm", {"token": token}).status == 410
    assert client.get("/v1/identity/me").body["code"] == "session_ended"
    assert ada.get("/v1/identity/me").body["email"] == new
    mail = received_mails(world, ada.email)[-1]
    assert mail.subject == "The address of your account at Parley was changed"
    assert new not in mail.text
    assert ada.log_in().status == 401
    assert ProgramClient(world).post("/v1/auth/login", {"email": new, "password": PASSWORD}).status == 200
    assert register(world, ada.email)[1]  # the old address is free


def test_of_two_new_addresses_confirmed_at_once_one_is_known(world: World) -> None:
    ada, wanted = person(world), [address(), address()]
    for email in wanted:
        assert ada.post("/v1/auth/email", {"email": email, "password": PASSWORD}).status == 202
    links = [received_mails(world, email)[-1].token for email in wanted]
    confirm = [{"token": token} for token in links]
    user_id = UUID(ada.tokens["user"]["id"])
    with ThreadPoolExecutor(2) as pool:
        with transactions.personal(system(NOWHERE), user_id) as session:
            user_accounts.lock(session, user_id)  # until both have come as far as they come
            running = [pool.submit(ada.post, "/v1/auth/email/confirm", body) for body in confirm]
            time.sleep(0.7)
        assert {future.result().status for future in running} == {204}
    assert sum(directory.person_of(IdentityDirectory.EMAIL, email) is not None for email in [ada.email, *wanted]) == 1
    now = ada.get("/v1/identity/me").body["email"]
    assert directory.person_of(IdentityDirectory.EMAIL, now) is not None


def test_an_address_that_somebody_has_can_not_be_taken(world: World) -> None:
    ada, ben = person(world), person(world)
    taken = ada.post("/v1/auth/email", {"email": ben.email, "password": PASSWORD})
    free = ada.post("/v1/auth/email", {"email": address(), "password": PASSWORD})
    assert (taken.status, taken.raw) == (free.status, free.raw)
    assert received_mails(world, ben.email)[-1].subject == "You have an account at Parley"


def test_changing_the_password_takes_the_current_one_and_ends_other_sessions(world: World) -> None:
    ada = person(world)
    client = ProgramClient(world, ada.log_in().body["access_token"])
    change = {"current_password": "not my password", "new_password": NEW}
    assert ada.request("PUT", "/v1/auth/password", change).body["code"] == "wrong_password"
    weak = ada.request("PUT", "/v1/auth/password", {"current_password": PASSWORD, "new_password": "short"})
    assert weak.body["code"] == "password_not_accepted"
    assert ada.request("PUT", "/v1/auth/password", change | {"current_password": PASSWORD}).status == 204
    assert (ada.get("/v1/identity/me").status, client.get("/v1/identity/me").status) == (200, 401)
    assert (ada.log_in().status, ada.log_in(NEW).status) == (401, 200)
    assert ProgramClient(world).post("/v1/auth/refresh", {"refresh_token": ada.refresh_token}).status == 200


def test_the_profile_is_the_persons_own(world: World, acme: Member) -> None:
    ada, ben = person(world), person(world)
    name = f"ada-{address()[7:20]}"
    changed = ada.request("PATCH", "/v1/identity/me", {"username": name, "timezone": "Europe/Berlin", "locale": "de-DE", "name": "Ada L"})
    assert changed.status == 200
    assert (changed.body["username"], changed.body["timezone"], changed.body["name"]) == (name, "Europe/Berlin", "Ada L")
    taken = ben.request("PATCH", "/v1/identity/me", {"username": name.upper()})
    assert (taken.status, taken.body["code"]) == (409, "username_taken")
    for wrong in ({"timezone": None}, {"timezone": "Mars"}, {"email": "x@y.example"}, {"username": "-"}, {"avatar_url": "javascript:x"}):
        assert ben.request("PATCH", "/v1/identity/me", wrong).status == 422
    assert acme.request("PATCH", "/v1/identity/me", {"name": "Somebody"}).body["role"] == "OWNER"
    assert ada.request("PATCH", "/v1/identity/me", {"username": None}).body["username"] is None
