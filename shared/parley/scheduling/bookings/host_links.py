"""The link of a host's mail: whoever has it acts as that host, on that booking, for as long as both hold.

Nothing is stored. The token is what it opens (organization, booking, host) and a keyed hash of it, so a booking costs no row more, and
each look asks the database whether it is still true: the host hosts it, is a member, and the meeting is not over.
"""

import base64
import hmac
from dataclasses import dataclass
from uuid import UUID

from parley.kernel.values import secret_hashes
from parley.kernel.values.settings import setting
from parley.scheduling.bookings.booking_service import NoSuchBooking

_PURPOSE = "booking in the hands of its host"
_IDS = 64  # characters of three ids in base64


@dataclass(frozen=True, slots=True)
class HostKey:
    """What a token opens."""

    organization_id: UUID
    booking_id: UUID
    host_id: UUID

    @property
    def token(self) -> str:
        ids = base64.urlsafe_b64encode(self.organization_id.bytes + self.booking_id.bytes + self.host_id.bytes).decode()
        return ids + secret_hashes.derive(_PURPOSE, self.organization_id, self.booking_id, self.host_id)

    @property
    def path(self) -> str:
        return f"/hosts/{self.token}"

    @property
    def address(self) -> str:
        return setting("PUBLIC_URL").rstrip("/") + self.path


def key_of(token: str) -> HostKey:
    """Raises `NoSuchBooking` for a token that we have not made."""
    try:
        ids = base64.b64decode(token[:_IDS].encode("ascii"), b"-_", validate=True)
        key = HostKey(*(UUID(bytes=ids[at : at + 16]) for at in (0, 16, 32)))
    except ValueError:
        raise NoSuchBooking from None
    if not hmac.compare_digest(key.token.encode(), token.encode()):
        raise NoSuchBooking
    return key
