"""The name of a channel on which a provider tells of changes: it says whose calendar it is about, and a secret goes with it.

Neither is stored. The name holds organization, calendar and a number that makes it new; the secret is a keyed hash of the name, so that
who brings both has them from us.
"""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from parley.kernel.values import secret_hashes
from parley.kernel.values.settings import setting

_FRESH_BYTES = 7  # with the two ids 39: their base64 has no padding


@dataclass(frozen=True, slots=True)
class PushChannel:
    """`name`: 52 characters that are safe in a URL, within the 64 that Google takes."""

    name: str
    organization_id: UUID
    calendar_id: UUID

    @classmethod
    def new(cls, organization_id: UUID, calendar_id: UUID) -> Self:
        raw = organization_id.bytes + calendar_id.bytes + secrets.token_bytes(_FRESH_BYTES)
        return cls(base64.urlsafe_b64encode(raw).decode(), organization_id, calendar_id)

    @classmethod
    def read(cls, name: str) -> Self | None:
        """What a name says; it proves nothing. None for what is no such name."""
        try:
            raw = base64.b64decode(name.encode("ascii"), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeError):
            return None
        return cls(name, UUID(bytes=raw[:16]), UUID(bytes=raw[16:32])) if len(raw) == 32 + _FRESH_BYTES else None

    @property
    def secret(self) -> str:
        """43 characters."""
        return secret_hashes.derive("calendar channel", self.name)

    def is_proved_by(self, token: object) -> bool:
        return isinstance(token, str) and hmac.compare_digest(token.encode(errors="replace"), self.secret.encode())

    def address(self, provider: str) -> str:
        """Where the provider posts to."""
        return f"{setting('PUBLIC_URL').rstrip('/')}/v1/scheduling/calendars/push/{provider.lower()}/{self.name}"
