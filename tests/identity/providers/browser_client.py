"""A browser, as far as a log-in through a provider needs one: cookies by the rules, redirects by hand, forms that post themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from urllib3 import PoolManager

from local.client import Answer
from local.http_api import Request
from tests.harness import World

POOL = PoolManager(retries=False)
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass
class StoredCookie:
    value: str
    path: str
    same_site: str


@dataclass
class CookieBrowser:
    """`account` is who is logged in at the provider in it. `ours` holds the cookies of the API."""

    world: World
    home: str
    account: str = ""
    cookies: dict[str, StoredCookie] = field(default_factory=dict)
    set_cookies: list[str] = field(default_factory=list)
    at: str = ""
    has_been_away: bool = False

    def go(self, url: str, *, token: str | None = None) -> Answer:
        """Type an address and follow where it leads, to the end: an answer of the API, or an address that is neither's."""
        self.at, self.has_been_away = "", False
        return self.follow(self.step("GET", url, token=token))

    def follow(self, answer: Answer, most: int = 10) -> Answer:
        for _ in range(most):
            where = self.next(answer)
            if where is None:
                return answer
            method, url, body = where
            if not self.serves(url):
                self.at = url
                return answer
            answer = self.step(method, url, body)
        raise AssertionError("too many redirects")

    def next(self, answer: Answer) -> tuple[str, str, bytes] | None:
        """Where an answer sends the browser: by a redirect, or by a form."""
        if answer.status in REDIRECTS:
            return "GET", urljoin(self.at or self.home, answer.headers["location"]), b""
        form = re.search(r'<form method="post" action="([^"]+)">(.*)</form>', answer.raw.decode(errors="replace"))
        if form is None:
            return None
        fields = re.findall(r'name="([^"]*)" value="([^"]*)"', form[2])
        return "POST", unescape(form[1]), urlencode([(unescape(name), unescape(value)) for name, value in fields]).encode()

    def serves(self, url: str) -> bool:
        """Whether a log-in goes on there: below our routes, or at the provider's."""
        return url.startswith(self.home + "/v1/") or (url.startswith("http://127.0.0.1:") and not url.startswith(self.home))

    def step(self, method: str, url: str, body: bytes = b"", *, token: str | None = None, kind: str | None = None) -> Answer:
        """One request, with the cookies that a browser would send coming from where it is."""
        url = urljoin(self.home + "/", url)
        self.at = url
        if not url.startswith(self.home + "/"):
            self.has_been_away = True
            answer = POOL.request(method, url, body=body or None, headers={"x-account": self.account}, redirect=False, timeout=10)
            return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data)
        # What another site began stays its doing, through all redirects.
        headers = [
            ("cookie", f"{name}={kept.value}") for name, kept in self.cookies.items() if _goes(kept, method, url, self.has_been_away)
        ]
        headers += [("authorization", f"Bearer {token}")] if token else []
        headers += [("content-type", kind or "application/x-www-form-urlencoded")] if body else []
        response = self.world.gateway.handle(Request(method, url.removeprefix(self.home), tuple(headers), body))
        for name, value in response.headers:
            if name == "set-cookie":
                self._keep(value)
        return Answer(response.status, dict(response.headers), response.body)

    def _keep(self, header: str) -> None:
        self.set_cookies.append(header)
        pair, *attributes = [part.strip() for part in header.split(";")]
        name, _, value = pair.partition("=")
        values_by_name: dict[str, Any] = {key.lower(): text for key, _, text in (attribute.partition("=") for attribute in attributes)}
        assert "secure" in values_by_name and "httponly" in values_by_name, header
        assert not name.startswith("__Host-") or (values_by_name["path"] == "/" and "domain" not in values_by_name), header
        if values_by_name.get("max-age") == "0":
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = StoredCookie(value, values_by_name.get("path", "/"), values_by_name.get("samesite", "Lax"))


def _goes(kept: StoredCookie, method: str, url: str, is_foreign: bool) -> bool:
    """RFC 6265bis: a request that another site caused brings `None` always, `Lax` when it goes somewhere by GET, `Strict` never."""
    if not urlsplit(url).path.startswith(kept.path):
        return False
    return not is_foreign or kept.same_site == "None" or (kept.same_site == "Lax" and method == "GET")
