"""What must not pass: other browsers, used states, forged tokens, providers that err."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Response

from parley.identity.providers import identity_handover, oauth_state, provider_jwks
from tests.harness import Answer, Client, World
from tests.identity.providers.browser_client import CookieBrowser
from tests.identity.providers.conftest import NewBrowser, personal_rows, verified
from tests.identity.providers.openid_provider import KINDS, OpenIdProvider, Trouble, query_of
from tests.identity.providers.test_log_in import start

OTHER_TENANT = "11111111-2222-3333-4444-555555555555"


def at_callback(browser: CookieBrowser, kind: str, **query: str) -> str:
    """Go as far as the provider's redirect; the address that it leads to."""
    answer = browser.step("GET", start(kind, **query))
    where = browser.next(answer)
    assert where is not None
    where = browser.next(browser.step(*where))
    assert where is not None
    return where[1]


def refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.headers["content-type"], answer.body["code"]) == (status, "application/problem+json", code), answer.raw


# --- whose attempt -----------------------------------------------------------------------------------------------------------------------


def test_an_answer_without_the_cookie_of_its_attempt(surf: NewBrowser) -> None:
    callback = at_callback(surf(), "google")
    refused(surf().step("GET", callback), 400, "unknown_attempt")


def test_the_state_of_another_browser(surf: NewBrowser) -> None:
    """Log-in CSRF: a victim's browser, in the middle of an attempt of its own, is sent to the attacker's callback."""
    attacker, victim = surf(), surf()
    callback = at_callback(attacker, "google")
    at_callback(victim, "google")
    refused(victim.step("GET", callback), 400, "unknown_attempt")


@pytest.mark.parametrize("change", ["", "x", "changed", "twice", "cut"])
def test_a_wrong_state(surf: NewBrowser, change: str) -> None:
    browser = surf()
    callback = at_callback(browser, "google")
    state = query_of(callback)["state"]
    wrong = {
        "": "",
        "x": "x",
        "changed": ("A" if state[0] != "A" else "B") + state[1:],
        "twice": f"{state}&state={state}",
        "cut": state[:-1],
    }
    refused(browser.step("GET", callback.replace(state, wrong[change])), 400, "unknown_attempt")


def test_the_cookie_of_one_provider_at_the_callback_of_another(surf: NewBrowser) -> None:
    browser = surf()
    callback = at_callback(browser, "google")
    browser.cookies["__Host-parley_attempt_github"] = browser.cookies["__Host-parley_attempt_google"]
    refused(browser.step("GET", callback.replace("/google/", "/github/")), 400, "unknown_attempt")


def test_an_attempt_lives_ten_minutes(surf: NewBrowser, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = surf()
    callback = at_callback(browser, "google")
    later = time.time() + oauth_state.SECONDS + 1
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: later)
        refused(browser.step("GET", callback), 400, "attempt_expired")


def test_an_answer_is_good_once(surf: NewBrowser) -> None:
    browser = surf()
    callback = at_callback(browser, "google")
    kept = dict(browser.cookies)
    assert browser.follow(browser.step("GET", callback)).status == 200
    refused(browser.step("GET", callback), 400, "unknown_attempt")  # the cookie is gone
    browser.cookies = kept
    refused(browser.step("GET", callback), 400, "code_refused")  # and so is the provider's code


def test_a_handover_is_good_once_and_for_its_provider(surf: NewBrowser, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = surf()
    browser.step("GET", at_callback(browser, "google"))
    kept = dict(browser.cookies)
    done = "/v1/auth/providers/google/complete"
    browser.cookies["__Host-parley_handover_github"] = browser.cookies["__Host-parley_handover_google"]
    refused(browser.step("GET", done.replace("google", "github")), 400, "unknown_attempt")
    later = time.time() + identity_handover.SECONDS + 1
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: later)
        refused(browser.step("GET", done), 400, "unknown_attempt")
    browser.cookies = dict(kept)
    assert browser.step("GET", done).status == 200
    browser.cookies = dict(kept)
    refused(browser.step("GET", done), 409, "attempt_finished")


@pytest.mark.parametrize("value", ["", "x", "AAAA", "A" * 3000, "%00", "é", "=" * 8, "🙂"])
def test_invented_cookies(world: World, stranger: Client, site: OpenIdProvider, value: str) -> None:
    for kind in KINDS:
        cookies = {"cookie": f"__Host-parley_attempt_{kind}={value}; __Host-parley_handover_{kind}={value}"}
        for path in ("callback?state=x&code=y", "complete"):
            refused(stranger.get(f"/v1/auth/providers/{kind}/{path}", cookies), 400, "unknown_attempt")


def test_a_cookie_brought_twice_is_none(surf: NewBrowser) -> None:
    browser = surf()
    callback = at_callback(browser, "google")
    name = "__Host-parley_attempt_google"
    twice = {"cookie": f"{name}={browser.cookies[name].value}; {name}={browser.cookies[name].value}"}
    path = callback.removeprefix(browser.home)
    refused(Client(browser.world).get(path, twice), 400, "unknown_attempt")


def test_a_handover_can_not_be_read_in_the_browser(site: OpenIdProvider, surf: NewBrowser) -> None:
    browser = surf()
    browser.step("GET", at_callback(browser, "google"))
    value = browser.cookies["__Host-parley_handover_google"].value
    import base64

    raw = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    assert not [word for word in (b"people.test", b"Grace", b"until", *(token.encode() for token in site.tokens)) if word in raw]


# --- where to ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "//evil.test", "/\\evil.test", "\\/evil.test", "https://evil.test/", "https://app.parley.test.evil.test/", "javascript:alert(1)",
        "https://app.parley.test@evil.test/", "https://user@app.parley.test/", "http://app.parley.test/", "/a\r\nset-cookie: x=y", "/ä",
        "https:app.parley.test", "///evil.test", "/a#b", " /a", "", "data:text/html,x", "https://app.parley.test\\@evil.test",
        "/" + "a" * 501,
        "https://[", "/\t/evil.test",
    ],
)  # fmt: skip
def test_an_address_of_somebody_else_is_not_returned_to(stranger: Client, site: OpenIdProvider, acme: Client, address: str) -> None:
    answer = stranger.request("GET", "/v1/auth/providers/google/start", query={"return_to": address})
    refused(answer, 400, "bad_return_address")
    assert "set-cookie" not in answer.headers
    linking = acme.post("/v1/auth/providers/google/link", {"return_to": address})
    assert linking.status in (400, 422) or address == " /a", linking.raw


def test_the_asterisk_allows_nobody_to_be_returned_to(stranger: Client, site: OpenIdProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_ORIGINS", "*")
    refused(stranger.get("/v1/auth/providers/google/start?return_to=https://app.parley.test/"), 400, "bad_return_address")


# --- tokens ------------------------------------------------------------------------------------------------------------------------------


def forged(**claims: Any) -> Trouble:
    """The provider's own signature over other claims; None takes one away."""

    def trouble(site: OpenIdProvider, body: dict[str, Any]) -> None:
        changed = site.claims(body["id_token"]) | claims
        body["id_token"] = site.signed({name: value for name, value in changed.items() if value is not None}, "google")

    return trouble


def made(how: Callable[[OpenIdProvider, dict[str, Any]], Any]) -> Trouble:
    """Another ID token, made from the claims of the right one."""

    def trouble(site: OpenIdProvider, body: dict[str, Any]) -> None:
        body["id_token"] = how(site, site.claims(body["id_token"]))

    return trouble


def without_signature(site: OpenIdProvider, claims: dict[str, Any]) -> str:
    import jwt

    return jwt.encode(claims, "", algorithm="none", headers={"kid": site.rsa.kid})


def by_a_stranger(site: OpenIdProvider, claims: dict[str, Any]) -> str:
    from joserfc.jwk import RSAKey

    return site.signed(claims, "google", RSAKey.generate_key(2048))


def with_its_own_key(site: OpenIdProvider, claims: dict[str, Any]) -> str:
    from joserfc.jwk import RSAKey

    own = RSAKey.generate_key(2048)
    return site.signed(claims, "google", own, jwk=own.as_dict(private=False), jku="http://127.0.0.1/keys", kid="own")


NOW = int(time.time())
FORGED: dict[str, Trouble] = {
    "another nonce": forged(nonce="another"),
    "no nonce": forged(nonce=None),
    "a nonce that is a list": forged(nonce=["x"]),
    "for somebody else": forged(aud="another-client"),
    "for somebody else too": forged(aud=["client-of-google", "another-client"], azp="client-of-google"),
    "for nobody": forged(aud=None),
    "by way of somebody else": forged(azp="another-client"),
    "from somebody else": forged(iss="https://accounts.evil.test"),
    "from no one": forged(iss=None),
    "from the real Google": forged(iss="https://accounts.google.com"),
    "expired": forged(exp=NOW - 3600),
    "without an end": forged(exp=None),
    "issued long ago": forged(iat=NOW - 7200),
    "issued in the future": forged(iat=NOW + 7200),
    "not yet": forged(nbf=NOW + 7200),
    "without a beginning": forged(iat=None),
    "of nobody": forged(sub=None),
    "of an empty name": forged(sub=""),
    "of a number": forged(sub=7),
    "of a name with a newline": forged(sub="a\nb"),
    "of a long name": forged(sub="a" * 256),
    "with another access token": forged(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "HS256 with the public key": made(lambda site, claims: site.signed_with_public_key(claims, "google")),
    "alg none": made(without_signature),
    "signed by a stranger under the provider's kid": made(by_a_stranger),
    "with a key of its own": made(with_its_own_key),
    "unknown kid": made(lambda site, claims: site.signed(claims, "google", kid="unknown")),
    "no kid": made(lambda site, claims: site.signed(claims, "google", kid=None)),
    "the other algorithm's key": made(lambda site, claims: site.signed(claims, "google", site.ec, kid=site.rsa.kid)),
    "a signature less": made(lambda site, claims: site.signed(claims, "google").rpartition(".")[0] + "."),
    "cut": made(lambda site, claims: site.signed(claims, "google")[:-10]),
    "no token": made(lambda site, claims: None),
    "a number for a token": made(lambda site, claims: 7),
    "an object for a token": made(lambda site, claims: {"a": 1}),
    "not a token": made(lambda site, claims: "a.b.c"),
    "a huge token": made(lambda site, claims: "a" * 20000),
    "claims that are a list": made(lambda site, claims: site.signed(claims, "google").split(".")[0] + ".W10.AAAA"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_token_that_does_not_hold(surf: NewBrowser, name: str) -> None:
    account = verified(token=FORGED[name])
    refused(surf(account).go(start("google")), 401, "invalid_id_token")
    account.token = None
    assert surf(account).go(start("google")).status == 200  # the same person, honestly


MICROSOFT: dict[str, dict[str, Any]] = {
    "another tenant's issuer": {"tid": OTHER_TENANT},
    "a tenant that is none": {"tid": "common", "iss": "{}/microsoft/common/v2.0"},
    "no tenant": {"tid": None},
    "a tenant with a path in it": {"tid": "../google", "iss": "{}/google/v2.0"},
    "the template itself": {"iss": "{}/microsoft/{{tenantid}}/v2.0"},
}


@pytest.mark.parametrize("name", MICROSOFT)
def test_an_issuer_of_microsofts_is_that_of_the_tokens_tenant(site: OpenIdProvider, surf: NewBrowser, name: str) -> None:
    claims = {key: value.format(site.url) if key == "iss" else value for key, value in MICROSOFT[name].items()}
    refused(surf(verified(claims=claims)).go(start("microsoft")), 401, "invalid_id_token")


def test_one_tenant_of_microsofts_alone(site: OpenIdProvider, surf: NewBrowser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTH_PROVIDERS", site.settings(microsoft={"tenant": OTHER_TENANT}))
    refused(surf(verified()).go(start("microsoft")), 401, "invalid_id_token")
    assert surf(verified(tenant=OTHER_TENANT)).go(start("microsoft")).status == 200


def test_new_keys_of_the_provider_are_found_and_invented_ones_are_not_asked_for(
    site: OpenIdProvider, surf: NewBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert surf().go(start("google")).status == 200
    monkeypatch.setattr(provider_jwks, "ASK_AGAIN_SECONDS", 0)
    site.rotate()
    assert surf().go(start("google")).status == 200
    monkeypatch.setattr(provider_jwks, "ASK_AGAIN_SECONDS", 60)
    count = site.requests.count("/google/jwks")
    for number in range(5):
        unknown = made(lambda site, claims, number=number: site.signed(claims, "google", kid=f"unknown-{number}"))  # type: ignore[misc]
        refused(surf(verified(token=unknown)).go(start("google")), 401, "invalid_id_token")
    assert site.requests.count("/google/jwks") - count <= 1
    for _ in range(3):
        assert surf().go(start("google")).status == 200
    assert site.requests.count("/google/jwks") - count <= 1  # remembered


def test_keys_that_can_not_be_had(site: OpenIdProvider, surf: NewBrowser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTH_PROVIDERS", site.settings(google={"jwks": f"{site.url}/nowhere"}))
    answer = surf().go(start("google"))
    refused(answer, 503, "keys_unavailable")
    assert answer.headers["retry-after"]


# --- the provider ------------------------------------------------------------------------------------------------------------------------


def test_who_does_not_agree_at_the_provider(surf: NewBrowser) -> None:
    account = verified(denies=True)
    refused(surf(account).go(start("google")), 403, "log_in_denied")
    browser = surf(account)
    ended = browser.go(start("google", return_to="https://app.parley.test/in?error=old&a=1"))
    assert (ended.status, ended.headers["location"]) == (303, "https://app.parley.test/in?a=1&error=log_in_denied")
    assert [name for name in browser.cookies if "attempt" in name or "refresh" in name] == []


def as_json(value: Any, status: int = 200) -> Trouble:
    return lambda site, body: Response(json.dumps(value), status, mimetype="application/json")


ANSWERS: dict[str, tuple[Trouble, int, str]] = {
    "an error of GitHub's, with 200": (as_json({"error": "bad_verification_code"}), 400, "code_refused"),
    "an error": (as_json({"error": "invalid_grant"}, 400), 400, "code_refused"),
    "a wrong secret": (as_json({"error": "invalid_client"}, 401), 400, "code_refused"),
    "a fault": (as_json({}, 500), 503, "provider_unavailable"),
    "busy": (as_json({}, 429), 503, "provider_unavailable"),
    "no access token": (as_json({"id_token": "x"}), 400, "code_refused"),
    "a list": (as_json([]), 400, "code_refused"),
    "a page": (lambda site, body: Response("<html>", mimetype="text/html"), 503, "provider_unavailable"),
    "huge": (lambda site, body: Response(" " * 1_000_000 + "{}", mimetype="application/json"), 503, "provider_unavailable"),
    "nested": (lambda site, body: Response("[" * 60_000, mimetype="application/json"), 503, "provider_unavailable"),
    "elsewhere": (lambda site, body: Response("", 307, {"location": f"{site.url}/google/jwks"}), 503, "provider_unavailable"),
    "a header in a token": (as_json({"access_token": "a\r\nhost: x"}), 401, "invalid_id_token"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_token_endpoint_that_errs(surf: NewBrowser, name: str) -> None:
    trouble, status, code = ANSWERS[name]
    refused(surf(verified(token=trouble)).go(start("google")), status, code)


@contextmanager
def trickling() -> Iterator[str]:
    """A server that answers a byte at a time, and never ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    is_over = threading.Event()

    def answer() -> None:
        try:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n")
                while not is_over.wait(0.1):
                    connection.sendall(b" ")
        except OSError:
            pass

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        is_over.set()
        listener.close()
        thread.join(5)


def test_a_provider_that_never_ends(site: OpenIdProvider, surf: NewBrowser, monkeypatch: pytest.MonkeyPatch) -> None:
    from parley.identity.providers import oauth_http

    monkeypatch.setattr(oauth_http, "_SECONDS", 0.5)
    with trickling() as url:
        monkeypatch.setenv("OAUTH_PROVIDERS", site.settings(google={"token": url}))
        began = time.monotonic()
        refused(surf().go(start("google")), 503, "provider_unavailable")
        assert time.monotonic() - began < 5
    refused(surf().go(start("google")), 503, "provider_unavailable")  # nobody listens any more


def test_pkce_is_not_to_be_left_out(site: OpenIdProvider, surf: NewBrowser) -> None:
    """Downgrade: an attacker takes the challenge out of the address, to use the code elsewhere. The provider refuses; and a code that was
    given for another challenge is refused by it too, for our verifier is another."""
    browser, other = surf(), surf()
    away = browser.step("GET", start("google")).headers["location"]
    bare = "&".join(part for part in away.split("&") if not part.startswith("code_challenge"))
    answer = browser.step("GET", bare)
    assert "error=invalid_request" in answer.headers.get("location", ""), answer.raw
    refused(browser.follow(answer), 503, "provider_unavailable")

    at_callback(browser, "google")
    injected = query_of(at_callback(other, "google"))["code"]
    state = query_of(at_callback(browser, "google"))["state"]
    refused(browser.step("GET", f"/v1/auth/providers/google/callback?state={state}&code={injected}"), 400, "code_refused")


def test_settings_that_can_not_be_right_are_named_and_not_quoted(
    site: OpenIdProvider, stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from parley.identity.providers import provider_settings

    secret = "canary-of-the-client"
    for wrong in (
        "{", "[]", '{"google": 7}', '{"google": {"client_id": 7}}',
        json.dumps({"google": {"client_id": secret}}),
        json.dumps({"google": {"client_id": "x", "client_secret": secret, "token": "http://accounts.test/token"}}),
        json.dumps({"google": {"client_id": "x", "client_secret": secret, "jwks": "file:///etc/passwd"}}),
        json.dumps({"apple": {"client_id": "x", "client_secret": secret}}),
    ):  # fmt: skip
        monkeypatch.setenv("OAUTH_PROVIDERS", wrong)
        with pytest.raises(provider_settings.BadProviderSetting) as problem:
            provider_settings.providers()
        assert secret not in str(problem.value)
    assert secret not in repr(provider_settings._read(json.dumps({"google": {"client_id": "x", "client_secret": secret}})))
    monkeypatch.setenv("PARLEY_ENVIRONMENT", "production")
    with pytest.raises(provider_settings.BadProviderSetting):
        provider_settings._read.__wrapped__(site.settings())


def test_nothing_is_left_of_a_refused_log_in(world: World, surf: NewBrowser) -> None:
    person = world.person()
    refused(surf(verified(person.email, token=FORGED["another nonce"])).go(start("google")), 401, "invalid_id_token")
    assert personal_rows(person.user_id)[1] == []
