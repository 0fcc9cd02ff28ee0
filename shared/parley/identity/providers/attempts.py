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

from parley.identity.providers.configured import Kind
from parley.kernel import keyed
from parley.kernel.errors import BadRequest

SECONDS = 600
_LONGEST = 3000


class UnknownAttempt(BadRequest):
    """The answer belongs to no attempt of this browser."""


class AttemptExpired(BadRequest):
    """Ten minutes are over."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """`user_id` and `session_id` are set when a logged-in user links a provider, and name nobody else's."""

    kind: Kind
    content: str = field(repr=False)
    return_to: str | None
    expires_at: int
    user_id: UUID | None
    session_id: UUID | None

    @classmethod
    def begin(cls, kind: Kind, return_to: str | None, *, user_id: UUID | None = None, session_id: UUID | None = None) -> Self:
        """A new attempt."""
        said = {
            "random": secrets.token_urlsafe(32),
            "until": int(time.time()) + SECONDS,
            "return_to": return_to,
            "user": str(user_id) if user_id else None,
            "session": str(session_id) if session_id else None,
        }
        content = base64.urlsafe_b64encode(json.dumps(said, separators=(",", ":")).encode()).rstrip(b"=").decode()
        return cls(kind, content, return_to, said["until"], user_id, session_id)  # type: ignore[arg-type]  # an integer, three lines up

    @classmethod
    def resume(cls, kind: Kind, content: str, state: str) -> Self:
        """The attempt that this browser began and that the provider answers. Raises `UnknownAttempt`, `AttemptExpired`."""
        is_known = (
            0 < len(content) <= _LONGEST
            and content.isascii()
            and hmac.compare_digest(_state(kind, content), state.encode(errors="replace"))
        )
        if not is_known:
            raise UnknownAttempt("This browser has not begun this log-in, or has finished it; start it again.")
        said = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
        if said["until"] < time.time():
            raise AttemptExpired("This log-in has taken more than ten minutes; start it again.")
        user, session = (UUID(said[name]) if said[name] else None for name in ("user", "session"))
        return cls(kind, content, said["return_to"], said["until"], user, session)

    @property
    def state(self) -> str:
        return _state(self.kind, self.content).decode()

    @property
    def nonce(self) -> str:
        return keyed.derive("provider nonce", self.kind, self.content)

    @property
    def verifier(self) -> str:
        """PKCE's code verifier (RFC 7636): 43 characters."""
        return keyed.derive("provider code verifier", self.kind, self.content)

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


def _state(kind: Kind, content: str) -> bytes:
    return keyed.derive("provider state", kind, content).encode()
