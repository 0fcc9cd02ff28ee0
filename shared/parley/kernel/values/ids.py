"""Identifiers: UUID version 7 (RFC 9562), ordered by time and known before the insert."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A fresh identifier, larger than every one this process made before."""
    return uuid7()
