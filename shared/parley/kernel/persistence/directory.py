"""The directory: which organization, or which person, does an outside name belong to? It answers that and nothing else.

Asked before the tenant is known (a phone number of a webhook, a public event type, a management token) or before the person is (an e-mail
address, an account at a provider). An entry is written in the transaction of the row it points to; whatever must be unique across tenants
is unique here. Names of persons are kept as their SHA-256, so that the directory is no list of addresses.
"""

import hashlib
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, delete, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from parley.kernel.persistence.base_models import Base
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values.clock import now
from parley.kernel.values.declarations import DirectoryKind

UNIQUE = "pk_directory_entries"


class DirectoryEntry(Base):
    __tablename__ = "directory_entries"
    __table_args__ = (CheckConstraint("num_nonnulls(organization_id, user_id) = 1", name="one_owner"),)
    global_because = "It is asked before the tenant is known, and holds no more than the name of the organization."

    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID | None] = mapped_column(index=True)
    user_id: Mapped[UUID | None] = mapped_column(index=True)
    proven_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]


def enter(session: Session, kind: DirectoryKind, key: str, *, is_proven: bool = False) -> None:
    """Name the session's organization. A name that is taken violates `directory.UNIQUE` at the next flush.

    `is_proven`: of a name that somebody outside gives out, and has confirmed.
    """
    at = now() if is_proven else None
    session.add(DirectoryEntry(kind=str(kind), key=key, organization_id=session.info["caller"].organization_id, proven_at=at))


def end_unproven(session: Session, kind: DirectoryKind, key: str) -> UUID | None:
    """Take a name from an organization that has never proved it. Returns which it was. One query."""
    unproven = delete(DirectoryEntry).where(DirectoryEntry.kind == str(kind), DirectoryEntry.key == key, DirectoryEntry.proven_at.is_(None))
    return session.scalar(unproven.returning(DirectoryEntry.organization_id), execution_options={"synchronize_session": False})


def set_proven(session: Session, kind: DirectoryKind, key: str, *, is_proven: bool) -> bool:
    """Say of a name of the session's organization whether who gives it out still confirms it. False: it is not its any more. One query."""
    is_own = DirectoryEntry.organization_id == session.info["caller"].organization_id
    entry = update(DirectoryEntry).where(DirectoryEntry.kind == str(kind), DirectoryEntry.key == key, is_own)
    marked = entry.values(proven_at=now() if is_proven else None).returning(DirectoryEntry.key)
    return session.scalar(marked, execution_options={"synchronize_session": False}) is not None


def leave(session: Session, kind: DirectoryKind, key: str) -> None:
    """Take a name of the session's organization back, if it is its. It travels with the next statement."""
    is_own = DirectoryEntry.organization_id == session.info["caller"].organization_id
    execute_later(session, delete(DirectoryEntry).where(DirectoryEntry.kind == str(kind), DirectoryEntry.key == key, is_own))


def organization_of(kind: DirectoryKind, key: str) -> UUID | None:
    """The organization, or None. One round trip outside any transaction."""
    from parley.kernel.persistence.transactions import lookup

    rows = lookup("SELECT organization_id FROM directory_entries WHERE kind = %s AND key = %s", str(kind), key)
    return rows[0][0] if rows else None


def personal(name: str) -> str:
    """The key of a name that belongs to a person: letters of either case are the same."""
    return hashlib.sha256(name.strip().lower().encode(errors="surrogatepass")).hexdigest()


def enter_person(session: Session, kind: DirectoryKind, name: str, user_id: UUID) -> None:
    """Name a person. A name that is taken violates `directory.UNIQUE` at the next flush."""
    session.add(DirectoryEntry(kind=str(kind), key=personal(name), user_id=user_id))


def leave_person(session: Session, kind: DirectoryKind, name: str) -> None:
    """Take a person's name back. It travels with the next statement."""
    execute_later(session, delete(DirectoryEntry).where(DirectoryEntry.kind == str(kind), DirectoryEntry.key == personal(name)))


def forget_person(session: Session, user_id: UUID) -> None:
    """Take every name of a person back. It travels with the next statement."""
    execute_later(session, delete(DirectoryEntry).where(DirectoryEntry.user_id == user_id))


def person_of(kind: DirectoryKind, name: str) -> UUID | None:
    """The user, or None. One round trip outside any transaction."""
    from parley.kernel.persistence.transactions import lookup

    rows = lookup("SELECT user_id FROM directory_entries WHERE kind = %s AND key = %s", str(kind), personal(name))
    return rows[0][0] if rows else None


def people_of(names: dict[DirectoryKind, str]) -> dict[DirectoryKind, UUID]:
    """The users of several names at once, one of each kind; unknown names are missing. One round trip."""
    from parley.kernel.persistence.transactions import lookup

    pairs = [(str(kind), personal(name)) for kind, name in names.items()]
    places = ", ".join(["(%s, %s)"] * len(pairs))
    rows = lookup(
        f"SELECT kind, user_id FROM directory_entries WHERE (kind, key) IN ({places})",  # noqa: S608  # placeholders alone
        *(part for pair in pairs for part in pair),
    )
    return {DirectoryKind(kind): user_id for kind, user_id in rows if user_id is not None}


def organizations_of(kind: DirectoryKind, keys: list[str]) -> dict[str, UUID]:
    """The organizations of many names at once, by name; unknown names are missing. One round trip."""
    from parley.kernel.persistence.transactions import lookup

    rows = lookup("SELECT key, organization_id FROM directory_entries WHERE kind = %s AND key = ANY(%s)", str(kind), keys)
    return dict(rows)
