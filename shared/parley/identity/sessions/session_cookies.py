"""Browsers keep the refresh token in a cookie that no script can read: set, read and cleared here.

Against requests that another site makes a browser send: the cookie is `SameSite=Strict`; it counts only with a JSON body, which no form of
another site can send; and where the browser says that a request comes from, that has to be us or one of WEB_ORIGINS.
"""

from typing import Any
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from parley.identity.sessions.log_in_sessions import REFRESH_LIFE, LogInSession
from parley.identity.sessions.token_response import TokensRead, issue_tokens
from parley.kernel.access import device_tokens
from parley.kernel.values.errors import Forbidden, Unauthenticated
from parley.kernel.values.settings import setting

__all__ = [
    "COOKIE",
    "Cookie",
    "access_token",
    "log_in_cookies",
    "log_in_response",
    "log_out_response",
    "refresh_token",
    "refuse_other_sites",
    "session_cookie",
]

COOKIE = "__Secure-parley_refresh"
_PATH = "/v1/auth"
_JSON = "application/json"


class NoRefreshToken(Unauthenticated):
    """Neither body nor cookie holds a refresh token."""


class CrossSiteRequest(Forbidden):
    """Another site made the browser send this."""


def log_in_response(started: LogInSession, *, as_cookie: bool, on_device: bool = False) -> Response[TokensRead]:
    """The answer to a log-in or a refresh, after its transaction. The refresh token goes into the cookie, or into the body.

    `on_device`: the account's own ways in were used, so the device is known from now on. An organization's single sign-on is none of them.
    """
    device = device_tokens.issue(started.email) if on_device and started.email else None
    if as_cookie:
        kept = [*([_device_cookie(device)] if device else []), session_cookie(started)]
        return Response(200, _JSON, issue_tokens(started, with_refresh_token=False), cookies=kept)
    return Response(200, _JSON, issue_tokens(started, device_token=device))


def log_out_response() -> Response[None]:
    """204, and no cookie any more."""
    return Response(204, _JSON, cookies=[_cookie("", 0)])


def session_cookie(started: LogInSession) -> Cookie:
    """The cookie of a session that has begun, for answers that are made elsewhere."""
    return _cookie(started.refresh_token or "", int(REFRESH_LIFE.total_seconds()))


def log_in_cookies(started: LogInSession) -> list[Cookie]:
    """The cookies of the device and of the session."""
    device = [_device_cookie(device_tokens.issue(started.email))] if started.email else []
    return [*device, session_cookie(started)]


def _device_cookie(token: str) -> Cookie:
    seconds = device_tokens.LIFE_SECONDS
    return Cookie(device_tokens.COOKIE, token, path=_PATH, secure=True, http_only=True, max_age=seconds, same_site=SameSite.STRICT_MODE)


def refresh_token(event: dict[str, Any], in_body: str | None) -> tuple[str, bool]:
    """The refresh token that a request brings, and whether it came as a cookie. Raises `NoRefreshToken`, `CrossSiteRequest`."""
    if in_body is not None:
        return in_body, False
    cookies = dict(cookie.partition("=")[::2] for cookie in event.get("cookies") or [])
    if not cookies.get(COOKIE):
        raise NoRefreshToken("Send refresh_token, or the cookie that it was put into.")
    refuse_other_sites(event)
    if not event.get("body"):
        raise CrossSiteRequest("With the cookie, send a body of application/json: {} is enough.")
    return cookies[COOKIE], True


def access_token(event: dict[str, Any]) -> str | None:
    """The bearer token of a request to a public route, unverified."""
    scheme, _, token = (event.get("headers") or {}).get("authorization", "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def refuse_other_sites(event: dict[str, Any]) -> None:
    """Raise `CrossSiteRequest` when the browser says that the request was not made by a page of ours."""
    headers = event.get("headers") or {}
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    origins = {_origin(setting("PUBLIC_URL", "")), *setting("WEB_ORIGINS", "").split(",")} - {"", "*"}
    if origin in origins or site in ("same-origin", "none") or (site is None and origin is None):
        return
    raise CrossSiteRequest("This request comes from a page that may not make it; see WebOrigins.")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _cookie(value: str, seconds: int) -> Cookie:
    return Cookie(COOKIE, value, path=_PATH, secure=True, http_only=True, max_age=seconds, same_site=SameSite.STRICT_MODE)
