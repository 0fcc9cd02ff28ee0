"""The two ends of the authorization code flow (RFC 6749, PKCE as RFC 7636): the address a browser is sent to, and the code's exchange."""

import base64
import logging
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from parley.identity.providers.oauth_http import NoProviderAnswer, post_form
from parley.identity.providers.oauth_state import AuthorizationAttempt
from parley.identity.providers.provider_settings import LogInProvider, ProviderKind
from parley.kernel.values.errors import BadRequest, Forbidden, Unavailable
from parley.kernel.values.settings import setting

log = logging.getLogger(__name__)

_MOST_BYTES = 64 * 1024
_LONGEST_CODE = 2048
_SECRET_SECONDS = 300
# RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6; Apple says user_cancelled_authorize.
_DENIALS = frozenset({"access_denied", "user_cancelled_authorize", "consent_required", "interaction_required", "login_required"})


class ProviderUnavailable(Unavailable):
    """The provider does not answer, or not in a form that can be read."""


class LogInDenied(Forbidden):
    """The person has not agreed, at the provider."""


class CodeRefused(BadRequest):
    """The provider does not take the code that came with the browser."""


@dataclass(frozen=True, slots=True)
class ProviderTokens:
    """What the token endpoint gave."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    id_token: Any = field(repr=False)
    expires_in: int | None


def redirect_uri(provider: LogInProvider) -> str:
    """Our address that the provider sends browsers back to; registered with it letter by letter."""
    return f"{setting('PUBLIC_URL').rstrip('/')}/v1/auth/providers/{provider.kind}/callback"


def authorization_url(provider: LogInProvider, attempt: AuthorizationAttempt) -> str:
    """Where the browser goes to."""
    parameters = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri(provider),
        "scope": provider.scope,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
    }
    if provider.posts_form:
        parameters["response_mode"] = "form_post"
    if not provider.issuers:
        del parameters["nonce"]
    joint = "&" if "?" in provider.authorization else "?"
    return f"{provider.authorization}{joint}{urlencode(parameters, quote_via=quote)}"


def code_of(parameters: dict[str, str]) -> str:
    """The code in the provider's answer. Raises `LogInDenied`, `ProviderUnavailable`, `CodeRefused`."""
    problem = parameters.get("error")
    if problem in _DENIALS:
        raise LogInDenied("The log-in was not agreed to at the provider.")
    if problem:
        log.warning("a provider answered with an error: %s", _word(problem))
        raise ProviderUnavailable("The provider could not log you in; try again.")
    code = parameters.get("code", "")
    if not 0 < len(code) <= _LONGEST_CODE:
        raise CodeRefused("The provider's answer holds no code; start the log-in again.")
    return code


def exchange_code(provider: LogInProvider, attempt: AuthorizationAttempt, code: str) -> ProviderTokens:
    """The tokens for a code. Asked once: a code is good for one exchange. Raises `ProviderUnavailable`, `CodeRefused`."""
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri(provider),
        "code_verifier": attempt.verifier,
        "client_id": provider.client_id,
    }
    headers = {}
    secret = _apple_secret(provider) if provider.kind is ProviderKind.APPLE else provider.client_secret
    if provider.is_basic:
        del fields["client_id"]  # RFC 6749, 2.3: one method of authentication
        pair = f"{quote(provider.client_id, safe='')}:{quote(secret, safe='')}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        fields["client_secret"] = secret
    try:
        status, answer = post_form(provider.token, fields, headers, most_bytes=_MOST_BYTES)
    except NoProviderAnswer as problem:
        log.warning("the token endpoint of %s can't be used: %s", provider.kind, problem)
        raise ProviderUnavailable("The provider does not answer right now; try again.") from None
    return _read(provider, status, answer)


def _read(provider: LogInProvider, status: int, answer: Any) -> ProviderTokens:
    answer = answer if isinstance(answer, dict) else {}
    access_token = answer.get("access_token")
    # GitHub reports errors with 200.
    if status == 200 and "error" not in answer and isinstance(access_token, str) and access_token:
        refresh_token, expires_in = answer.get("refresh_token"), answer.get("expires_in")
        return ProviderTokens(
            access_token,
            refresh_token if isinstance(refresh_token, str) else None,
            answer.get("id_token"),
            expires_in if isinstance(expires_in, int) and 0 < expires_in < 10**9 else None,
        )
    log.warning("the token endpoint of %s refused: %s %s", provider.kind, status, _word(answer.get("error")))
    if status >= 500 or status == 429:
        raise ProviderUnavailable("The provider does not answer right now; try again.")
    raise CodeRefused("The provider did not take the code of this log-in; start it again.")


def _word(value: Any) -> str:
    """An error code of another side, for the log."""
    return "".join(letter for letter in str(value)[:60] if letter.isalnum() or letter == "_")


def _apple_secret(provider: LogInProvider) -> str:
    """Apple's client secret: a JWT signed with the team's key. Source: Apple, "Creating a client secret"."""
    import jwt

    now = int(time.time())
    claims = {
        "iss": provider.team_id,
        "iat": now,
        "exp": now + _SECRET_SECONDS,
        "aud": provider.issuers[0],
        "sub": provider.client_id,
    }
    return jwt.encode(claims, provider.private_key.replace("\\n", "\n"), algorithm="ES256", headers={"kid": provider.key_id})
