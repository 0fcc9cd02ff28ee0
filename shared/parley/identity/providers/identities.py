"""Who a provider says that somebody is, and whether it speaks for the address that it names."""

import json
import logging
import re
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from parley.identity.providers import id_tokens
from parley.identity.providers.asking import Unanswered, get_json
from parley.identity.providers.attempts import Attempt
from parley.identity.providers.configured import Kind, Provider
from parley.identity.providers.exchange import ProviderUnavailable, Tokens, code_of, exchanged
from parley.kernel.texts import Email, storable

log = logging.getLogger(__name__)

_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_MOST_BYTES = 256 * 1024
_DOMAINS = {
    Kind.GOOGLE: ("gmail.com", "googlemail.com"),
    Kind.APPLE: ("icloud.com", "me.com", "mac.com", "privaterelay.appleid.com"),
}
"""Mail domains that a provider runs itself."""


@dataclass(frozen=True, slots=True)
class Identity:
    """`subject` never changes and is never given to another; `email` is there only when the provider speaks for its domain."""

    kind: Kind
    subject: str
    email: str | None
    name: str | None
    tokens: Tokens = field(repr=False)


def identity(provider: Provider, attempt: Attempt, parameters: dict[str, str]) -> Identity:
    """Whom the provider's answer names. Calls the provider.

    Raises `LogInDenied`, `CodeRefused`, `ProviderUnavailable`, `InvalidIdToken`, `KeysUnavailable`.
    """
    tokens = exchanged(provider, attempt, code_of(parameters))
    if provider.kind is Kind.GITHUB:
        return _github(provider, tokens)
    try:
        claims = id_tokens.verify(provider, tokens.id_token, nonce=attempt.nonce, access_token=tokens.access_token)
    except id_tokens.InvalidIdToken as refusal:
        log.warning("an ID token of %s was refused: %s", provider.kind, refusal.reason)
        raise
    subject = f"{claims['tid']}/{claims['sub']}" if provider.kind is Kind.MICROSOFT else claims["sub"]
    name = _apple_name(parameters.get("user")) if provider.kind is Kind.APPLE else claims.get("name")
    address = _address(claims.get("email") if _is_verified(provider, claims) else None)
    return Identity(provider.kind, subject, address if _speaks_for(provider, address, claims) else None, _name(name), tokens)


def _speaks_for(provider: Provider, address: str | None, claims: dict[str, Any]) -> bool:
    """Whether the provider says who has an address today, and not that somebody could read it once.

    Addresses change hands: an account at a provider that was made with the address of an employer outlives the employment. So an address
    counts where the provider runs its domain, or the operator trusts it with that (`trusted_domains`). Google runs Gmail and, as `hd` says,
    the domains of Workspace; Apple runs iCloud and its relay; GitHub no mail. Of Microsoft, `_is_verified` has asked for this. Sources:
    Google, "Authenticate with a backend server" ("Google is authoritative"); Apple, "Authenticating users with Sign in with Apple".
    """
    domain = (address or "").rpartition("@")[2].lower()
    if not domain:
        return False
    if provider.kind is Kind.MICROSOFT or domain in provider.trusted_domains or domain in _DOMAINS.get(provider.kind, ()):
        return True
    hosted = claims.get("hd")
    return provider.kind is Kind.GOOGLE and isinstance(hosted, str) and hosted.lower() == domain


def _is_verified(provider: Provider, claims: dict[str, Any]) -> bool:
    """Microsoft lets the administrator of a tenant write any address into `email`. It is verified when the optional claim `xms_edov` says
    so, or when the operator trusts the tenant. Apple says "true" or true. Sources: Microsoft, "Optional claims reference" and "Migrate away
    from using email claims for user identification or authorization"; Apple, "Authenticating users with Sign in with Apple"."""
    if provider.kind is Kind.MICROSOFT:
        return _is_true(claims.get("xms_edov")) or claims.get("tid") in provider.trusted_tenants
    return _is_true(claims.get("email_verified"))


def _is_true(said: Any) -> bool:
    return said is True or (isinstance(said, str) and said.lower() in ("true", "1")) or (type(said) is int and said == 1)


def _address(said: Any) -> str | None:
    try:
        return _EMAIL.validate_python(said) if said is not None else None
    except ValidationError:
        return None


def _name(said: Any) -> str | None:
    """One line for a person's name, of what anybody may have typed at the provider."""
    if not isinstance(said, str):
        return None
    line = re.sub(r"\s+", " ", "".join(letter if letter.isprintable() else " " for letter in storable(said))).strip()
    return line[:200].strip() or None


def _apple_name(said: str | None) -> str | None:
    """The form field `user`, sent with the very first log-in. It is not signed: good for a name, and for nothing else."""
    try:
        name = json.loads((said or "")[:2000] or "{}").get("name", {})
        return " ".join(part for part in (name.get("firstName"), name.get("lastName")) if isinstance(part, str))
    except (ValueError, AttributeError, RecursionError):
        return None


def _github(provider: Provider, tokens: Tokens) -> Identity:
    """GitHub speaks OAuth without OpenID Connect: its API says who the token is of. Of addresses only the primary one counts, if it is
    verified and the operator trusts GitHub with its domain."""
    person = _asked(provider, provider.userinfo, tokens)
    number = person.get("id") if isinstance(person, dict) else None
    if type(number) is not int or number <= 0:
        raise ProviderUnavailable("The provider's answer can't be read; try again.")
    listed = _asked(provider, provider.emails, tokens, unless_forbidden=True)
    entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    primary = next((one.get("email") for one in entries if one.get("primary") is True and one.get("verified") is True), None)
    address = _address(primary)
    named = _name(person.get("name") or person.get("login"))
    return Identity(provider.kind, str(number), address if _speaks_for(provider, address, {}) else None, named, tokens)


def _asked(provider: Provider, url: str, tokens: Tokens, *, unless_forbidden: bool = False) -> Any:
    """What the API answers; None where it may be forbidden, and is (a GitHub App without the right to read addresses)."""
    headers = {"authorization": f"Bearer {tokens.access_token}", "x-github-api-version": "2022-11-28"}
    try:
        status, said = get_json(url, headers, most_bytes=_MOST_BYTES)
    except (Unanswered, UnicodeError) as problem:
        log.warning("the API of %s can't be used: %s", provider.kind, type(problem).__name__)
        raise ProviderUnavailable("The provider does not answer right now; try again.") from None
    if unless_forbidden and status in (403, 404):
        return None
    if status != 200:
        log.warning("the API of %s answered %s", provider.kind, status)
        raise ProviderUnavailable("The provider does not answer right now; try again.")
    return said
