"""Google and Microsoft, and who we are to them, from the setting CALENDAR_PROVIDERS: JSON, by the provider's name in small letters.

{"google": {"client_id": "…", "client_secret": "…"}, "microsoft": {"client_id": "…", "client_secret": "…", "tenant": "common"}}

Without `client_id` a provider is not there. On a developer's machine alone, endpoints may be named too (`authorization`, `token`, `api`,
`userinfo`): what somebody's calendars are read with goes to their provider's own addresses, and nowhere else.
"""

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from parley.calendar_providers.provider_protocol import OAuthProvider, ProviderName
from parley.kernel.outbound.ssrf_guard import allows_loopback
from parley.kernel.values.errors import NotFound
from parley.kernel.values.settings import setting

_GOOGLE = "https://www.googleapis.com/auth/"
_ENDPOINTS = ("authorization", "token", "api", "userinfo")


class NoSuchCalendarProvider(NotFound):
    """There is no such provider, or this deployment has no client of it."""


class BadCalendarSetting(LookupError):
    """CALENDAR_PROVIDERS can't be what it says. The message quotes no value."""


@dataclass(frozen=True, slots=True)
class CalendarOAuthClient:
    """What is asked for (`scopes`), and what of it nothing works without (`needed`)."""

    provider: OAuthProvider
    authorization: str
    token: str
    api: str
    scopes: tuple[str, ...]
    needed: frozenset[str]
    userinfo: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        return self.provider.value.lower()


# Sources: Google, "OAuth 2.0 scopes for Google APIs" and "Using OAuth 2.0 for web server applications"; Microsoft, "Permissions reference".
# Google: a refresh token comes with `access_type=offline`, and with a later consent only when the page is asked to be shown again.
_KNOWN: dict[OAuthProvider, dict[str, Any]] = {
    ProviderName.GOOGLE: {
        "authorization": "https://accounts.google.com/o/oauth2/v2/auth?access_type=offline&prompt=consent",
        "token": "https://oauth2.googleapis.com/token",
        "api": "https://www.googleapis.com/calendar/v3",
        "userinfo": "https://openidconnect.googleapis.com/v1/userinfo",
        "scopes": ("openid", "email", *(f"{_GOOGLE}calendar.{name}" for name in ("calendarlist.readonly", "events", "freebusy"))),
        "needed": frozenset({f"{_GOOGLE}calendar.calendarlist.readonly", f"{_GOOGLE}calendar.events"}),
    },
    ProviderName.MICROSOFT: {
        "authorization": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize?prompt=select_account",
        "token": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        "api": "https://graph.microsoft.com/v1.0",
        "scopes": ("openid", "email", "offline_access", "User.Read", "Calendars.ReadWrite"),
        "needed": frozenset({"Calendars.ReadWrite"}),
    },
}


def _client(provider: OAuthProvider, settings: dict[str, Any]) -> CalendarOAuthClient:
    name = provider.value.lower()
    if wrong := [key for key in ("client_id", "client_secret", "tenant", *_ENDPOINTS) if not isinstance(settings.get(key, ""), str)]:
        raise BadCalendarSetting(f"CALENDAR_PROVIDERS: {name}.{wrong[0]} is not a text.")
    if not settings.get("client_secret"):
        raise BadCalendarSetting(f"CALENDAR_PROVIDERS: {name}.client_secret is missing.")
    defaults = dict(_KNOWN[provider])
    named = {key: settings[key] for key in _ENDPOINTS if settings.get(key)}
    if named and not allows_loopback():
        raise BadCalendarSetting(f"CALENDAR_PROVIDERS: {name}.{next(iter(named))} can be named on a developer's machine only.")
    tenant = settings.get("tenant") or "common"
    defaults |= {key: defaults[key].replace("{tenant}", tenant) for key in _ENDPOINTS if key in defaults}
    if "authorization" in named:  # what Google and Microsoft want in it stays
        named["authorization"] += "?" + defaults["authorization"].partition("?")[2]
    return CalendarOAuthClient(
        provider=provider, client_id=settings["client_id"], client_secret=settings["client_secret"], **defaults | named
    )


@cache
def _read(text: str) -> dict[OAuthProvider, CalendarOAuthClient]:
    try:
        settings = json.loads(text)
        return {
            provider: _client(provider, settings[provider.value.lower()])
            for provider in _KNOWN
            if settings.get(provider.value.lower(), {}).get("client_id")
        }
    except (ValueError, AttributeError, TypeError):
        raise BadCalendarSetting("CALENDAR_PROVIDERS is not a JSON object of providers.") from None


def clients() -> dict[OAuthProvider, CalendarOAuthClient]:
    """Those that are configured. Raises `BadCalendarSetting`."""
    text = setting("CALENDAR_PROVIDERS", "").strip()
    return _read(text) if text else {}


def client_of_provider(name: str) -> CalendarOAuthClient:
    """By its name in small letters. Raises `NoSuchCalendarProvider`."""
    for client in clients().values():
        if client.name == name:
            return client
    raise NoSuchCalendarProvider(
        "Calendars of this provider are not connected by consent here: google and microsoft are, where they are set up."
    )
