"""Links by name: an organization's and an event type's slug lead to what can be booked."""

import re
from uuid import UUID

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session, aliased

from parley.identity.declared import IdentityDirectory
from parley.identity.models import User
from parley.identity.organizations.schemas import RESERVED
from parley.kernel.persistence import directory
from parley.kernel.values.errors import NoSuchRoute
from parley.scheduling.availability.inputs import NoSuchEventType
from parley.scheduling.tables.event_type_models import EventType

_SLUG = re.compile(r"[a-z0-9-]{1,100}")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def organization_of(slug: str) -> UUID:
    """Whose name this is. Raises `NoSuchEventType`: a stranger learns no more than that nothing is there."""
    organization_id = directory.organization_of(IdentityDirectory.ORGANIZATION_SLUG, slug) if _SLUG.fullmatch(slug) else None
    if organization_id is None:
        raise NoSuchEventType
    return organization_id


def organization_of_page(slug: str) -> UUID:
    """Whose page an address means. Raises `NoSuchEventType`; `NoSuchRoute` where the product's own addresses begin so."""
    if slug in RESERVED:
        raise NoSuchRoute("There is nothing at this address; /docs lists what there is.")
    return organization_of(slug)


def event_type_by_slug(slug: str, host: str | None = None) -> ScalarSelect[UUID]:
    """The active event type with this slug, as a part of the statement that looks for it. Raises `NoSuchEventType`.

    A slug is one person's own: of several people's the oldest is meant, unless `host` (a username, or a user's id) says whose.
    """
    if not _SLUG.fullmatch(slug):
        raise NoSuchEventType
    named = aliased(EventType)
    chosen = select(named.id).where(named.slug == slug, named.is_active).order_by(named.id).limit(1)
    if host is not None:
        chosen = chosen.join(User, User.id == named.user_id).where(User.id == UUID(host) if _ID.fullmatch(host) else User.username == host)
    return chosen.scalar_subquery()


def event_type_of(session: Session, slug: str, host: str | None = None) -> UUID:
    """What `named` finds. Raises `NoSuchEventType`."""
    event_type_id: UUID | None = session.scalar(select(event_type_by_slug(slug, host)))
    if event_type_id is None:
        raise NoSuchEventType
    return event_type_id
