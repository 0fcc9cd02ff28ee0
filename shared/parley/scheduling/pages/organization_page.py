"""The page of an organization, `/{organization}`: what can be booked with it."""

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session, aliased

from parley.identity.members import member_profiles
from parley.identity.models import Organization, OrganizationMember, User
from parley.kernel.persistence import pagination
from parley.notifications import templates
from parley.notifications.localization.catalogues import Words
from parley.scheduling.availability.inputs import NoSuchEventType
from parley.scheduling.common.branding import Brand
from parley.scheduling.common.page_templates import DOMAIN, FOLDER, locale_of, render
from parley.scheduling.common.time_formats import minutes_in_words
from parley.scheduling.pages import booking_page
from parley.scheduling.pages.booking_page import RenderedPage
from parley.scheduling.pages.page_parameters import PageParameters
from parley.scheduling.tables.enums import EventTypeKind
from parley.scheduling.tables.event_type_models import EventType

A_PAGE = 50


def _offered() -> Select[EventType, str | None, bool]:
    """Active ones with their hosts. A slug is one person's own: whose is not the oldest needs a host's name in its address."""
    older = aliased(EventType)
    is_named = exists(select(older.id).where(older.slug == EventType.slug, older.is_active, older.id < EventType.id))
    active = aliased(OrganizationMember)
    is_there = exists(select(active.id).where(active.user_id == EventType.user_id, active.deactivated_at.is_(None)))
    is_others = EventType.kind.in_((EventTypeKind.COLLECTIVE, EventTypeKind.ROUND_ROBIN))
    here = (OrganizationMember.organization_id == EventType.organization_id) & (OrganizationMember.user_id == EventType.user_id)
    people = (
        select(EventType, member_profiles.member_name(), is_named)
        .join(User, User.id == EventType.user_id)
        .outerjoin(OrganizationMember, here)
    )
    return people.where(EventType.is_active, or_(is_others, is_there))


def show(session: Session, visit: PageParameters, cursor: str | None) -> RenderedPage:
    """The page and its headers. Two statements. Raises `NoSuchEventType`, `BadCursor`."""
    condition = Organization.id == session.info["caller"].organization_id
    organization_row = session.execute(
        select(Organization.name, Organization.slug, Organization.logo_url, Organization.brand_color, Organization.locale).where(condition)
    ).one_or_none()
    if organization_row is None:
        raise NoSuchEventType
    brand = Brand(*organization_row)
    locale = locale_of(session.info["caller"], brand.locale)
    rows, following = pagination.joined_page(session, _offered(), [EventType.id], cursor=cursor, limit=A_PAGE)
    items = [
        {
            "name": row.name,
            "length": minutes_in_words(row.duration, locale),
            "host": host_name,
            "href": PageParameters(f"/{brand.slug}/{row.slug}", visit.timezone, is_embedded=visit.is_embedded, carried=visit.carried).link(
                host=str(row.user_id) if is_named else None
            ),
        }
        for row, host_name, is_named in rows
    ]
    html = render(
        "event_types.html",
        locale,
        style=templates.style(FOLDER, booking_page.SHEET),
        script=templates.text(FOLDER, booking_page.SCRIPT),
        heading=Words(DOMAIN, locale)("What would you like to book?"),
        brand=brand,
        items=items,
        following=visit.link(cursor=following) if following else None,
        is_embedded=visit.is_embedded,
    )
    return RenderedPage(html, booking_page.headers(brand, is_embedded=visit.is_embedded))
