"""Secrets that name whose they are: found among that person's own rows, so nobody else's are looked through.

Form: a prefix that says what it is, 22 characters of the user's id, 43 of 32 random bytes.
"""

import base64
import binascii
import secrets
from uuid import UUID

_ID, _SECRET = 22, 43


def make(prefix: str, user_id: UUID) -> str:
    """A new one."""
    return f"{prefix}{base64.urlsafe_b64encode(user_id.bytes).rstrip(b'=').decode()}{secrets.token_urlsafe(32)}"


def user_of(prefix: str, ticket: str) -> UUID | None:
    """Whom it names; None for a text that is none. Whether it is valid, the database knows."""
    if not ticket.startswith(prefix) or len(ticket) != len(prefix) + _ID + _SECRET or not ticket.isascii():
        return None
    try:
        return UUID(bytes=base64.b64decode(f"{ticket[len(prefix) : len(prefix) + _ID]}==", altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        return None
