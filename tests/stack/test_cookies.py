"""The refresh token of a browser, over HTTP, with the cookie jar of an HTTP client that is not ours."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Any

from parley.identity.sessions.session_cookies import COOKIE
from tests.stack.conftest import ServedStack
from tests.stack.test_log_in_under_load import PASSWORD, registered


class Window:
    """A client that keeps cookies as browsers do: it trusts loopback as they do, where a Secure cookie needs no TLS."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.jar = CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https")))
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.sent: str | None = None

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        wanted = urllib.request.Request(
            self.address + path, json.dumps(body).encode(), {"content-type": "application/json"} | headers, method="POST"
        )
        try:
            with self.opener.open(wanted, timeout=60) as answer:
                status, raw = answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                status, raw = refusal.code, refusal.read()
        self.sent = wanted.get_header("Cookie")
        return status, json.loads(raw) if raw else None

    @property
    def cookie(self) -> Cookie | None:
        return next((cookie for cookie in self.jar if cookie.name == COOKIE), None)


def test_a_cookie_jar_keeps_renews_and_loses_the_refresh_token(served: ServedStack) -> None:
    email = registered(served)["user"]["email"]
    window = Window(served.stranger.address)
    status, answer = window.post("/v1/auth/login", {"email": email, "password": PASSWORD, "cookie": True})
    assert (status, answer["refresh_token"]) == (200, None)
    first = window.cookie
    assert first is not None
    assert (first.path, first.secure, first.domain_specified) == ("/v1/auth", True, False)
    assert (first.has_nonstandard_attr("HttpOnly"), first.get_nonstandard_attr("SameSite")) == (True, "Strict")

    assert window.post("/v1/auth/refresh", {}, origin="https://evil.example")[0] == 403
    status, answer = window.post("/v1/auth/refresh", {})
    assert (status, answer["refresh_token"]) == (200, None)
    second = window.cookie
    assert second is not None
    assert second.value != first.value
    window.post(
        "/v1/identity/organizations", {"name": "Initech", "slug": f"s-{uuid.uuid4().hex}"}, authorization=f"Bearer {answer['access_token']}"
    )
    assert window.sent is None  # it goes nowhere but to the routes that take it

    assert window.post("/v1/auth/logout", {})[0] == 204
    assert window.cookie is None
    assert window.post("/v1/auth/refresh", {})[1]["code"] == "no_refresh_token"
    assert served.stranger.post("/v1/auth/refresh", {"refresh_token": second.value}).body["code"] == "session_ended"
