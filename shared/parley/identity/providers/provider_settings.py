"""The providers that this deployment knows, from the setting OAUTH_PROVIDERS: JSON, by the provider's name in small letters.

{"google": {"client_id": "…", "client_secret": "…"},
 "apple": {"client_id": "com.example.web", "team_id": "…", "key_id": "…", "private_key": "-----BEGIN PRIVATE KEY-----…"}}

Without `client_id` a provider is not there. Endpoints may be named too (`authorization`, `token`, `jwks`, `userinfo`, `emails`,
`issuer`), for GitHub Enterprise, a national cloud, or a test. Microsoft takes `tenant` (default `common`) and `trusted_tenants`.
`trusted_domains` are mail domains for which a provider is believed beside those that it runs itself: those of an own GitHub Enterprise.
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from parley.identity.models import AuthProviderType
from parley.identity.providers.oauth_http import is_allowed
from parley.kernel.values.errors import NotFound
from parley.kernel.values.settings import setting

TENANT = "{tenantid}"
_NONE = "There is no such provider here; GET /v1/auth/providers lists those there are."


class NoSuchProvider(NotFound):
    """There is no such provider, or this deployment has no client of it."""


class ProviderKind(StrEnum):
    GOOGLE = "google"
    GITHUB = "github"
    MICROSOFT = "microsoft"
    APPLE = "apple"

    @property
    def stored(self) -> AuthProviderType:
        return AuthProviderType(self.name)


@dataclass(frozen=True, slots=True)
class LogInProvider:
    """A provider and our client of it. `issuers` are those that its ID tokens may name; empty: it has no ID tokens."""

    kind: ProviderKind
    authorization: str
    token: str
    scope: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    jwks: str = ""
    issuers: tuple[str, ...] = ()
    userinfo: str = ""
    emails: str = ""
    tenant: str = ""
    trusted_tenants: frozenset[str] = frozenset()
    trusted_domains: frozenset[str] = frozenset()
    posts_form: bool = False
    is_basic: bool = False
    team_id: str = ""
    key_id: str = ""
    private_key: str = field(default="", repr=False)


# Sources: each provider's discovery document and developer documentation, as linked in docs/identity.md.
_KNOWN: dict[ProviderKind, dict[str, Any]] = {
    ProviderKind.GOOGLE: {
        "authorization": "https://accounts.google.com/o/oauth2/v2/auth",
        "token": "https://oauth2.googleapis.com/token",
        "jwks": "https://www.googleapis.com/oauth2/v3/certs",
        "issuers": ("https://accounts.google.com", "accounts.google.com"),
        "scope": "openid email profile",
    },
    ProviderKind.GITHUB: {
        "authorization": "https://github.com/login/oauth/authorize",
        "token": "https://github.com/login/oauth/access_token",
        "userinfo": "https://api.github.com/user",
        "emails": "https://api.github.com/user/emails",
        "scope": "read:user user:email",
    },
    ProviderKind.MICROSOFT: {
        "authorization": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
        "token": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        "jwks": "https://login.microsoftonline.com/{tenant}/discovery/v2.0/keys",
        "issuers": (f"https://login.microsoftonline.com/{TENANT}/v2.0",),
        "scope": "openid email profile",
    },
    ProviderKind.APPLE: {
        "authorization": "https://appleid.apple.com/auth/authorize",
        "token": "https://appleid.apple.com/auth/token",
        "jwks": "https://appleid.apple.com/auth/keys",
        "issuers": ("https://appleid.apple.com",),
        "scope": "name email",
        "posts_form": True,  # Apple's rule as soon as a scope is asked for
    },
}
_ENDPOINTS = ("authorization", "token", "jwks", "userinfo", "emails")
_TEXTS = ("client_id", "client_secret", "scope", "tenant", "team_id", "key_id", "private_key", *_ENDPOINTS)


class BadProviderSetting(LookupError):
    """OAUTH_PROVIDERS can't be what it says. The message quotes no value."""


def _listed(kind: ProviderKind, name: str, settings: dict[str, Any]) -> list[str]:
    listed = settings.get(name, [])
    if not isinstance(listed, list) or not all(isinstance(entry, str) for entry in listed):
        raise BadProviderSetting(f"OAUTH_PROVIDERS: {kind}.{name} is not a list of texts.")
    return [entry.strip().lower() for entry in listed]


def _provider(kind: ProviderKind, settings: dict[str, Any]) -> LogInProvider:
    fields = dict(_KNOWN[kind])
    if wrong := [name for name in _TEXTS if not isinstance(settings.get(name, ""), str)]:
        raise BadProviderSetting(f"OAUTH_PROVIDERS: {kind}.{wrong[0]} is not a text.")
    fields |= {name: settings[name] for name in _TEXTS if settings.get(name)}
    if settings.get("issuer"):
        fields["issuers"] = (str(settings["issuer"]),)
    if kind is ProviderKind.MICROSOFT:
        fields["tenant"] = fields.get("tenant") or "common"
        fields |= {name: fields[name].replace("{tenant}", fields["tenant"]) for name in ("authorization", "token", "jwks")}
        fields["trusted_tenants"] = frozenset(_listed(kind, "trusted_tenants", settings))
    fields["trusted_domains"] = frozenset(_listed(kind, "trusted_domains", settings))
    fields["is_basic"] = settings.get("token_auth") == "client_secret_basic"
    needed = ("team_id", "key_id", "private_key") if kind is ProviderKind.APPLE else ("client_secret",)
    if missing := [name for name in needed if not fields.get(name)]:
        raise BadProviderSetting(f"OAUTH_PROVIDERS: {kind}.{missing[0]} is missing.")
    if unsafe := [name for name in _ENDPOINTS if fields.get(name) and not is_allowed(fields[name])]:
        raise BadProviderSetting(f"OAUTH_PROVIDERS: {kind}.{unsafe[0]} is not an HTTPS address.")
    return LogInProvider(kind=kind, **fields)


@cache
def _read(text: str) -> dict[ProviderKind, LogInProvider]:
    try:
        settings = json.loads(text)
        return {kind: _provider(kind, settings[kind]) for kind in ProviderKind if settings.get(kind, {}).get("client_id")}
    except (ValueError, AttributeError, TypeError):
        raise BadProviderSetting("OAUTH_PROVIDERS is not a JSON object of providers.") from None


def providers() -> dict[ProviderKind, LogInProvider]:
    """Those that are configured. Raises `BadSetting`."""
    text = setting("OAUTH_PROVIDERS", "").strip()
    return _read(text) if text else {}


def kind_of(name: str) -> ProviderKind:
    """Raises `NoSuchProvider` for what is none of the four."""
    if name not in set(ProviderKind):
        raise NoSuchProvider(_NONE)
    return ProviderKind(name)


def configured_provider(name: str) -> LogInProvider:
    """Raises `NoSuchProvider`."""
    provider = providers().get(kind_of(name))
    if provider is None:
        raise NoSuchProvider(_NONE)
    return provider
