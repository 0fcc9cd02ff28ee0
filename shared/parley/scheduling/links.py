"""Links by name: an organization's and an event type's slug lead to what can be booked."""

import re
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.models import User
from parley.kernel import directory
from parley.kernel.directory import Kind
from parley.scheduling.event_types import NoSuchEventType
from parley.scheduling.models import EventType

_SLUG = re.compile(r"[a-z0-9-]{1,100}")


def organization_of(slug: str) -> UUID:
    """Whose name this is. Raises `NoSuchEventType`: a stranger learns no more than that nothing is there."""
    found = directory.organization_of(Kind.ORGANIZATION_SLUG, slug) if _SLUG.fullmatch(slug) else None
    if found is None:
        raise NoSuchEventType
    return found


def event_type_of(session: Session, slug: str, host: str | None = None) -> UUID:
    """The active event type with this slug. Raises `NoSuchEventType`.

    A slug is one person's own: of several people's the oldest is meant, unless `host` (a username) says whose.
    """
    if not _SLUG.fullmatch(slug):
        raise NoSuchEventType
    chosen = select(EventType.id).where(EventType.slug == slug, EventType.is_active).order_by(EventType.id).limit(1)
    if host is not None:
        chosen = chosen.join(User, User.id == EventType.user_id).where(User.username == host)
    found = session.scalar(chosen)
    if found is None:
        raise NoSuchEventType
    return found
