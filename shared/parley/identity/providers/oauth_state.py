"""One attempt to log in through a provider: begun in a browser, and finished in the same one within ten minutes. Nothing is stored for it.

The browser keeps the attempt in a cookie. `state` is a MAC over that cookie's content and travels through the provider: only the browser
that began can bring both, and neither can be made without the key. Nonce and PKCE verifier are derived from the content and lie nowhere.
See docs/decisions/0016.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from parley.kernel.values import secret_hashes
from parley.kernel.values.errors import BadRequest

SECONDS = 600
_LONGEST = 3000


class UnknownAttempt(BadRequest):
    """The answer belongs to no attempt of this browser."""


class AttemptExpired(BadRequest):
    """Ten minutes are over."""


@dataclass(frozen=True, slots=True)
class AuthorizationAttempt:
    """`kind` names the provider and what is attempted there: an attempt at one thing is none at another.

    `user_id` and `session_id` are set when a logged-in user begins it, `organization_id` and `role` when they do so as a member.
    """

    kind: str
    content: str = field(repr=False)
    return_to: str | None
    expires_at: int
    user_id: UUID | None
    session_id: UUID | None
    organization_id: UUID | None = None
    role: str | None = None

    @classmethod
    def begin(
        cls,
        kind: str,
        return_to: str | None,
        *,
        user_id: UUID | None = None,
        session_id: UUID | None = None,
        organization_id: UUID | None = None,
        role: str | None = None,
    ) -> Self:
        """A new attempt."""
        payload = {
            "random": secrets.token_urlsafe(32),
            "until": int(time.time()) + SECONDS,
            "return_to": return_to,
            "user": str(user_id) if user_id else None,
            "session": str(session_id) if session_id else None,
            "organization": str(organization_id) if organization_id else None,
            "role": role,
        }
        content = base64.urlsafe_b64encode(json.dumps(payload, separators=(",", ":")).encode()).rstrip(b"=").decode()
        return cls(kind, content, return_to, payload["until"], user_id, session_id, organization_id, role)  # type: ignore[arg-type]  # an integer, some lines up

    @classmethod
    def resume(cls, kind: str, content: str, state: str) -> Self:
        """The attempt that this browser began and that the provider answers. Raises `UnknownAttempt`, `AttemptExpired`."""
        is_known = (
            0 < len(content) <= _LONGEST
            and content.isascii()
            and hmac.compare_digest(_state(kind, content), state.encode(errors="replace"))
        )
        if not is_known:
            raise UnknownAttempt("This browser has not begun this, or has finished it; start it again.")
        payload = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
        if payload["until"] < time.time():
            raise AttemptExpired("This has taken more than ten minutes; start it again.")
        user, session, organization = (UUID(payload[name]) if payload.get(name) else None for name in ("user", "session", "organization"))
        return cls(kind, content, payload["return_to"], payload["until"], user, session, organization, payload.get("role"))

    @property
    def state(self) -> str:
        return _state(self.kind, self.content).decode()

    @property
    def nonce(self) -> str:
        return secret_hashes.derive("provider nonce", self.kind, self.content)

    @property
    def verifier(self) -> str:
        """PKCE's code verifier (RFC 7636): 43 characters."""
        return secret_hashes.derive("provider code verifier", self.kind, self.content)

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


def _state(kind: str, content: str) -> bytes:
    return secret_hashes.derive("provider state", kind, content).encode()
