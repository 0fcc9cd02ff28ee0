"""Consent and tokens (RFC 6749 with PKCE, RFC 7636), for providers that have both."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from parley.calendar_providers.calendar_oauth_clients import CalendarOAuthClient, clients
from parley.calendar_providers.provider_http import Deadline, error_of_status, send
from parley.calendar_providers.provider_protocol import (
    CalendarTokens,
    ExchangeCode,
    OAuthProvider,
    ProviderError,
    ProviderErrorCode,
    RefreshTokens,
)

_MOST_BYTES = 256 * 1024
_USUAL_SECONDS, _LEAST_SECONDS, _MOST_SECONDS = 3600, 60, 24 * 3600
# A grant that is gone. Sources: RFC 6749, 5.2; OpenID Connect Core, 3.1.2.6; Microsoft, "Authentication and authorization error codes".
_GONE = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})


def client_of(provider: OAuthProvider) -> CalendarOAuthClient:
    """Raises `ProviderError` where this deployment has none any more: nobody's connection ends by that."""
    client = clients().get(provider)
    if client is None:
        raise ProviderError(ProviderErrorCode.UNAVAILABLE, "Calendars of this provider are not set up here.")
    return client


def authorization_url(client: CalendarOAuthClient, redirect_uri: str, state: str, challenge: str) -> str:
    """Where a browser is sent to for consent. `challenge` is PKCE's, by S256."""
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(client.scopes),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in client.authorization else "?"
    return f"{client.authorization}{joint}{urlencode(query, quote_via=quote)}"


def exchange_tokens(client: CalendarOAuthClient, wanted: ExchangeCode, deadline: Deadline) -> CalendarTokens:
    """The tokens for a code; asked once, for a code is good for one exchange. Raises `ProviderError`: `refused` for one that is no good."""
    form = {"grant_type": "authorization_code", "code": wanted.code, "redirect_uri": wanted.redirect_uri, "code_verifier": wanted.verifier}
    return _tokens(client, form, deadline, if_gone=ProviderErrorCode.REFUSED)


def refresh_access_token(client: CalendarOAuthClient, wanted: RefreshTokens, deadline: Deadline) -> CalendarTokens:
    """A new access token. Raises `ProviderError`: `unauthorized` when the grant is gone."""
    form = {"grant_type": "refresh_token", "refresh_token": wanted.refresh_token}
    return _tokens(client, form, deadline, if_gone=ProviderErrorCode.UNAUTHORIZED)


def _tokens(client: CalendarOAuthClient, form: dict[str, str], deadline: Deadline, *, if_gone: ProviderErrorCode) -> CalendarTokens:
    body = urlencode(form | {"client_id": client.client_id, "client_secret": client.client_secret}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    asked_at = time.time()  # what is said of seconds counts from before the request: a slow answer makes no token live longer
    answer = send("POST", client.token, deadline, headers, body, most_bytes=_MOST_BYTES)
    try:
        payload = json.loads(answer.body)
    except (ValueError, RecursionError):
        payload = None
    payload = payload if isinstance(payload, dict) else {}
    token = payload.get("access_token")
    if answer.status == 200 and isinstance(token, str) and token:
        refresh_token = payload.get("refresh_token")
        return CalendarTokens(
            access_token=token,
            expires_at=datetime.fromtimestamp(asked_at, UTC) + timedelta(seconds=_seconds(payload.get("expires_in"))),
            refresh_token=refresh_token if isinstance(refresh_token, str) and refresh_token else None,
            scopes=str(payload.get("scope") or "").split(),
        )
    if 400 <= answer.status < 500 and str(payload.get("error")) in _GONE:
        raise ProviderError(if_gone, "The permission is gone: it was withdrawn, or has expired; connect this calendar again.")
    met = error_of_status(answer, "The calendar's provider gives no token right now.")
    # Whatever else it refuses is our client's fault (a wrong secret, say), or passing: never a reason to give somebody's connection up.
    code = ProviderErrorCode.RATE_LIMITED if met.code is ProviderErrorCode.RATE_LIMITED else ProviderErrorCode.UNAVAILABLE
    raise ProviderError(code, met.trouble.message, met.trouble.retry_after)


def _seconds(value: Any) -> int:
    """How long a token lives: what is said, where that can be."""
    try:
        return min(max(int(value), _LEAST_SECONDS), _MOST_SECONDS)
    except (TypeError, ValueError, OverflowError):
        return _USUAL_SECONDS
