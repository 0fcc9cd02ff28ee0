"""What the function that talked to the provider hands to the function that has the database: an identity, sealed, in the browser's hands.

The first lies outside of the network, for it needs the internet; the second inside, where there is none (docs/decisions/0011 and 0016). The
browser carries the handover for one redirect and can neither read nor change it.
"""

import base64
import json
import logging
import os
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from parley.identity.providers.oauth_state import AuthorizationAttempt, UnknownAttempt
from parley.identity.providers.provider_identity import ProviderIdentity
from parley.identity.providers.provider_settings import ProviderKind
from parley.kernel.values import secret_hashes

log = logging.getLogger(__name__)

SECONDS = 120
_NONCE_BYTES = 12
_LONGEST = 3800  # with its name and attributes a cookie has 4096 bytes


@dataclass(frozen=True, slots=True)
class IdentityHandover:
    """`attempt` is the digest of the attempt's state. `return_to`, `user_id` and `session_id` are the attempt's."""

    kind: ProviderKind
    attempt: str
    subject: str = field(repr=False)
    email: str | None = field(repr=False)
    name: str | None = field(repr=False)
    access_token: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)
    token_expires_at: int | None
    return_to: str | None
    user_id: UUID | None
    session_id: UUID | None


def seal(attempt: AuthorizationAttempt, identity: ProviderIdentity) -> str:
    """The handover as a cookie's value."""
    tokens = identity.tokens
    payload: dict[str, Any] = {
        "until": int(time.time()) + SECONDS,
        "attempt": secret_hashes.digest("provider state", attempt.state),
        "subject": identity.subject,
        "email": identity.email,
        "name": identity.name,
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_expires_at": int(time.time()) + tokens.expires_in if tokens.expires_in else None,
        "return_to": attempt.return_to,
        "user_id": str(attempt.user_id) if attempt.user_id else None,
        "session_id": str(attempt.session_id) if attempt.session_id else None,
    }
    made = _sealed(attempt.kind, payload)
    if len(made) > _LONGEST:
        # Nothing needs them yet; to log in without them is better than not at all.
        log.warning("the tokens of %s do not fit into a cookie and are not kept", attempt.kind)
        made = _sealed(attempt.kind, payload | {"access_token": None, "refresh_token": None, "token_expires_at": None})
    return made


def unseal(kind: ProviderKind, handover: str) -> IdentityHandover:
    """What was handed over. Raises `UnknownAttempt` for what we did not seal for this provider, or not within two minutes."""
    try:
        raw = base64.urlsafe_b64decode(handover + "=" * (-len(handover) % 4))
        payload = json.loads(AESGCM(_key()).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], kind.encode()))
        until = payload.pop("until")
        user, session = (UUID(payload[name]) if payload[name] else None for name in ("user_id", "session_id"))
        if until >= time.time():
            return IdentityHandover(kind, **payload | {"user_id": user, "session_id": session})
    except (ValueError, InvalidTag):
        pass
    raise UnknownAttempt("This browser has not begun this log-in, or has finished it; start it again.")


def _key() -> bytes:
    return base64.urlsafe_b64decode(secret_hashes.derive("provider handover key") + "=")


def _sealed(kind: str, payload: dict[str, Any]) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(nonce + AESGCM(_key()).encrypt(nonce, text, kind.encode())).rstrip(b"=").decode()
