"""The directory: which organization does an outside name belong to? It answers that and nothing else.

Asked before the tenant is known (a phone number of a webhook, a public event type, a management token). An entry is written in the
transaction of the row it points to; whatever must be unique across tenants is unique here.
"""

from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Mapped, Session, mapped_column

from parley.kernel.models import Base

UNIQUE = "pk_directory_entries"


class Kind(StrEnum):
    EVENT_TYPE = "event_type"
    MANAGEMENT_TOKEN = "management_token"  # noqa: S105  # a kind, not a secret
    WHATSAPP_NUMBER = "whatsapp_number"


class DirectoryEntry(Base):
    __tablename__ = "directory_entries"
    global_because = "It is asked before the tenant is known, and holds no more than the name of the organization."

    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(index=True)


def enter(session: Session, kind: Kind, key: str) -> None:
    """Name the session's organization. A name that is taken violates `directory.UNIQUE` at the next flush."""
    session.add(DirectoryEntry(kind=kind.value, key=key, organization_id=session.info["caller"].organization_id))


def organization_of(kind: Kind, key: str) -> UUID | None:
    """The organization, or None. One round trip outside any transaction."""
    from parley.kernel.db import lookup

    rows = lookup("SELECT organization_id FROM directory_entries WHERE kind = %s AND key = %s", kind.value, key)
    return rows[0][0] if rows else None


def organizations_of(kind: Kind, keys: list[str]) -> dict[str, UUID]:
    """The organizations of many names at once, by name; unknown names are missing. One round trip."""
    from parley.kernel.db import lookup

    rows = lookup("SELECT key, organization_id FROM directory_entries WHERE kind = %s AND key = ANY(%s)", kind.value, keys)
    return dict(rows)
