"""Who a provider says that somebody is, and whether it speaks for the address that it names."""

import json
import logging
import re
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from parley.identity.providers import id_tokens
from parley.identity.providers.authorization_code import ProviderTokens, ProviderUnavailable, code_of, exchange_code
from parley.identity.providers.oauth_http import NoProviderAnswer, get_json
from parley.identity.providers.oauth_state import AuthorizationAttempt
from parley.identity.providers.provider_settings import LogInProvider, ProviderKind
from parley.kernel.values.fields import Email, storable

log = logging.getLogger(__name__)

_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_MOST_BYTES = 256 * 1024
_DOMAINS = {
    ProviderKind.GOOGLE: ("gmail.com", "googlemail.com"),
    ProviderKind.APPLE: ("icloud.com", "me.com", "mac.com", "privaterelay.appleid.com"),
}
"""Mail domains that a provider runs itself."""


@dataclass(frozen=True, slots=True)
class ProviderIdentity:
    """`subject` never changes and is never given to another; `email` is there only when the provider speaks for its domain."""

    kind: ProviderKind
    subject: str
    email: str | None
    name: str | None
    tokens: ProviderTokens = field(repr=False)


def identity(provider: LogInProvider, attempt: AuthorizationAttempt, parameters: dict[str, str]) -> ProviderIdentity:
    """Whom the provider's answer names. Calls the provider.

    Raises `LogInDenied`, `CodeRefused`, `ProviderUnavailable`, `InvalidIdToken`, `KeysUnavailable`.
    """
    tokens = exchange_code(provider, attempt, code_of(parameters))
    if provider.kind is ProviderKind.GITHUB:
        return _github(provider, tokens)
    try:
        claims = id_tokens.verify(provider, tokens.id_token, nonce=attempt.nonce, access_token=tokens.access_token)
    except id_tokens.InvalidIdToken as refusal:
        log.warning("an ID token of %s was refused: %s", provider.kind, refusal.reason)
        raise
    subject = f"{claims['tid']}/{claims['sub']}" if provider.kind is ProviderKind.MICROSOFT else claims["sub"]
    name = _apple_name(parameters.get("user")) if provider.kind is ProviderKind.APPLE else claims.get("name")
    address = _address(claims.get("email") if _is_verified(provider, claims) else None)
    return ProviderIdentity(provider.kind, subject, address if _speaks_for(provider, address, claims) else None, _name(name), tokens)


def _speaks_for(provider: LogInProvider, address: str | None, claims: dict[str, Any]) -> bool:
    """Whether the provider says who has an address today, and not that somebody could read it once.

    Addresses change hands: an account at a provider that was made with the address of an employer outlives the employment. So an address
    counts where the provider runs its domain, or the operator trusts it with that (`trusted_domains`). Google runs Gmail and, as `hd` says,
    the domains of Workspace; Apple runs iCloud and its relay; GitHub no mail. Of Microsoft, `_is_verified` has asked for this. Sources:
    Google, "Authenticate with a backend server" ("Google is authoritative"); Apple, "Authenticating users with Sign in with Apple".
    """
    domain = (address or "").rpartition("@")[2].lower()
    if not domain:
        return False
    if provider.kind is ProviderKind.MICROSOFT or domain in provider.trusted_domains or domain in _DOMAINS.get(provider.kind, ()):
        return True
    hosted = claims.get("hd")
    return provider.kind is ProviderKind.GOOGLE and isinstance(hosted, str) and hosted.lower() == domain


def _is_verified(provider: LogInProvider, claims: dict[str, Any]) -> bool:
    """Microsoft lets the administrator of a tenant write any address into `email`. It is verified when the optional claim `xms_edov` says
    so, or when the operator trusts the tenant. Apple says "true" or true. Sources: Microsoft, "Optional claims reference" and "Migrate away
    from using email claims for user identification or authorization"; Apple, "Authenticating users with Sign in with Apple"."""
    if provider.kind is ProviderKind.MICROSOFT:
        return _is_true(claims.get("xms_edov")) or claims.get("tid") in provider.trusted_tenants
    return _is_true(claims.get("email_verified"))


def _is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() in ("true", "1")) or (type(value) is int and value == 1)


def _address(value: Any) -> str | None:
    try:
        return _EMAIL.validate_python(value) if value is not None else None
    except ValidationError:
        return None


def _name(value: Any) -> str | None:
    """One line for a person's name, of what anybody may have typed at the provider."""
    if not isinstance(value, str):
        return None
    line = re.sub(r"\s+", " ", "".join(letter if letter.isprintable() else " " for letter in storable(value))).strip()
    return line[:200].strip() or None


def _apple_name(text: str | None) -> str | None:
    """The form field `user`, sent with the very first log-in. It is not signed: good for a name, and for nothing else."""
    try:
        name = json.loads((text or "")[:2000] or "{}").get("name", {})
        return " ".join(part for part in (name.get("firstName"), name.get("lastName")) if isinstance(part, str))
    except (ValueError, AttributeError, RecursionError):
        return None


def _github(provider: LogInProvider, tokens: ProviderTokens) -> ProviderIdentity:
    """GitHub speaks OAuth without OpenID Connect: its API says who the token is of. Of addresses only the primary one counts, if it is
    verified and the operator trusts GitHub with its domain."""
    person = _asked(provider, provider.userinfo, tokens)
    number = person.get("id") if isinstance(person, dict) else None
    if type(number) is not int or number <= 0:
        raise ProviderUnavailable("The provider's answer can't be read; try again.")
    listed = _asked(provider, provider.emails, tokens, unless_forbidden=True)
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    primary = next((entry.get("email") for entry in entries if entry.get("primary") is True and entry.get("verified") is True), None)
    address = _address(primary)
    named = _name(person.get("name") or person.get("login"))
    return ProviderIdentity(provider.kind, str(number), address if _speaks_for(provider, address, {}) else None, named, tokens)


def _asked(provider: LogInProvider, url: str, tokens: ProviderTokens, *, unless_forbidden: bool = False) -> Any:
    """What the API answers; None where it may be forbidden, and is (a GitHub App without the right to read addresses)."""
    headers = {"authorization": f"Bearer {tokens.access_token}", "x-github-api-version": "2022-11-28"}
    try:
        status, answer = get_json(url, headers, most_bytes=_MOST_BYTES)
    except (NoProviderAnswer, UnicodeError) as problem:
        log.warning("the API of %s can't be used: %s", provider.kind, type(problem).__name__)
        raise ProviderUnavailable("The provider does not answer right now; try again.") from None
    if unless_forbidden and status in (403, 404):
        return None
    if status != 200:
        log.warning("the API of %s answered %s", provider.kind, status)
        raise ProviderUnavailable("The provider does not answer right now; try again.")
    return answer
