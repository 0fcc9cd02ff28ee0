"""The invitee's pages, behind the link of the mail: what was booked, and forms that cancel it or move it to another time."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Refusal
from parley.kernel.values.fields import storable
from parley.notifications import templates
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import Words
from parley.notifications.localization.catalogues import marked as _
from parley.scheduling.availability.conflicts import Exclusions
from parley.scheduling.availability.inputs import bookable_event_type
from parley.scheduling.availability.live_busy_times import LiveBusyTimes
from parley.scheduling.availability.slots import SlotNotOffered
from parley.scheduling.bookings import invitee_access
from parley.scheduling.bookings.booking_service import NoSuchBooking, management_token
from parley.scheduling.bookings.invitee_access import ManagedBooking, ManagementKey
from parley.scheduling.bookings.rescheduling import NotOfferedAnyMore
from parley.scheduling.bookings.schemas import BookingMove
from parley.scheduling.bookings.state_machine import IllegalTransition
from parley.scheduling.common.branding import Brand
from parley.scheduling.common.page_templates import DOMAIN, FOLDER, locale_of, render, when
from parley.scheduling.pages import booking_page, calendar_links
from parley.scheduling.pages.booking_form import FormField
from parley.scheduling.pages.booking_page import RenderedPage
from parley.scheduling.pages.page_parameters import PageParameters, format_instant, parse_instant
from parley.scheduling.pages.slot_choices import slot_choices_of
from parley.scheduling.tables.booking_models import Booking
from parley.scheduling.tables.enums import STANDING_STATUSES, BookingStatus, QuestionType

_HEADINGS = {
    BookingStatus.PENDING: _("Waiting to be confirmed"),
    BookingStatus.CONFIRMED: _("You are booked"),
    BookingStatus.CANCELED: _("This booking is canceled"),
    BookingStatus.RESCHEDULED: _("This booking was moved"),
    BookingStatus.NO_SHOW: _("This meeting is over"),
    BookingStatus.COMPLETED: _("This meeting is over"),
}


def path_of(token: str) -> str:
    return f"/bookings/{token}"


def headers(brand: Brand | None = None, *, is_embedded: bool = False, has_script: bool = False) -> dict[str, str]:
    """Of a page whose address is a secret: it goes to nobody. In a frame stands only what has no form on it."""
    page_headers = booking_page.headers(brand, is_embedded=is_embedded, has_script=has_script)
    secret = {name: value for name, value in templates.SECRET.items() if not (is_embedded and name == "x-frame-options")}
    return page_headers | secret | {"cache-control": "no-store"}


def page(
    managed_booking: ManagedBooking,
    token: str,
    *,
    is_news: bool = False,
    is_embedded: bool = False,
    notice: str | None = None,
    locale: str = languages.DEFAULT,
) -> RenderedPage:
    """The booking. While it stands it can be put into a calendar, and, but for a frame, be moved and canceled."""
    booking = managed_booking.shown
    is_standing = booking.status in STANDING_STATUSES
    words = Words(DOMAIN, locale)
    heading = words(_HEADINGS[booking.status])
    again = managed_booking.brand.address(managed_booking.event_type_slug) if managed_booking.event_type_slug else None
    html = render(
        "booked.html",
        locale,
        style=templates.style(FOLDER, booking_page.SHEET),
        script=templates.text(FOLDER, booking_page.SCRIPT),
        heading=heading,
        brand=managed_booking.brand,
        booking=booking,
        when=when(booking.start_time, booking.end_time, booking.timezone, locale),
        notice=words(notice) if notice else None,
        sentences=[words(sentence) for sentence in _sentences(managed_booking, is_news=is_news)],
        is_news=is_news,
        is_standing=is_standing,
        is_changeable=is_standing and booking.start_time > now(),
        is_embedded=is_embedded,
        may_act=not is_embedded,
        path=path_of(token),
        moved_to=path_of(management_token(_record(managed_booking, managed_booking.moved_to))) if managed_booking.moved_to else None,
        again=again,
        google=calendar_links.google(booking),
        outlook=calendar_links.outlook(booking),
        written=format_instant,
    )
    return RenderedPage(html, headers(managed_booking.brand, is_embedded=is_embedded))


def _record(managed_booking: ManagedBooking, booking_id: UUID) -> Booking:
    return Booking(id=booking_id, organization_id=managed_booking.booking.organization_id)


def _sentences(managed_booking: ManagedBooking, *, is_news: bool) -> list[str]:
    status = managed_booking.shown.status
    if status is BookingStatus.PENDING:
        return [_("The host has been asked. A mail tells you when the time is confirmed; it is kept for you until then.")]
    if status is BookingStatus.CONFIRMED and is_news:
        return [_("An invitation is on its way to your mailbox.")]
    return []


def missing_page(refusal: Refusal, locale: str = languages.DEFAULT) -> RenderedPage:
    html = render(
        "missing.html", locale, heading=Words(DOMAIN, locale)(refusal.detail), style=templates.style(FOLDER, booking_page.SHEET), brand=None
    )
    return RenderedPage(html, headers())


def show(session: Session, managed_booking: ManagedBooking, token: str, query: Mapping[str, str]) -> RenderedPage:
    """What the address asks for: the booking, the calendar that moves it, or the file for a calendar."""
    if query.get("calendar") == "ics":
        attached = {"content-disposition": 'attachment; filename="booking.ics"', "cache-control": "no-store"}
        from parley.scheduling.pages import icalendar_download  # 40 ms that no page needs

        file, media_type = icalendar_download.icalendar_file(managed_booking, path_of(token))
        return RenderedPage(file, attached, media_type)
    locale = locale_of(session.info["caller"], managed_booking.brand.locale)
    if query.get("move") and managed_booking.shown.status in STANDING_STATUSES and managed_booking.booking.start_time > now():
        try:
            return move_page(
                session, managed_booking.booking, PageParameters.of(path_of(token), {"timezone": managed_booking.booking.timezone, **query})
            )
        except NotOfferedAnyMore as refusal:
            return page(managed_booking, token, notice=refusal.detail, locale=locale)
    return page(managed_booking, token, is_news="moved" in query, locale=locale)


def confirmation(
    managed_booking: ManagedBooking, token: str, organization_slug: str, visit: PageParameters, visitor: Caller
) -> RenderedPage:
    """What was booked a moment ago, on the page where it was. Raises `NoSuchBooking`."""
    if managed_booking.brand.slug != organization_slug:
        raise NoSuchBooking
    return page(
        managed_booking, token, is_news=True, is_embedded=visit.is_embedded, locale=locale_of(visitor, managed_booking.brand.locale)
    )


def submit(
    session: Session, caller: Caller, key: ManagementKey, token: str, form: Mapping[str, str], fresh: LiveBusyTimes | None = None
) -> str:
    """Cancel the booking, or move it to a time. Where the page is then.

    Raises what `invitee_access.cancel` and `invitee_access.reschedule` raise.
    """
    reason = storable(form.get("reason", "")).strip()[:500]
    if form.get("action") != "move":
        invitee_access.cancel(session, caller, key, reason)
        return path_of(token)
    start = parse_instant(form.get("time", ""))
    if start is None:
        raise SlotNotOffered(_("Choose a time."))
    moved = invitee_access.reschedule(session, caller, key, BookingMove(start_time=start, reason=reason or None), fresh)[1]
    return f"{path_of(management_token(moved))}?moved=1"


def page_after_refusal(
    session: Session, managed_booking: ManagedBooking, token: str, form: Mapping[str, str], refusal: Refusal
) -> RenderedPage:
    """The page after a refusal: other times, where one was wanted and can be."""
    if form.get("action") == "move" and managed_booking.shown.status in STANDING_STATUSES and managed_booking.booking.start_time > now():
        try:
            return move_page(
                session,
                managed_booking.booking,
                PageParameters.of(path_of(token), form),
                storable(form.get("reason", ""))[:500],
                notice=refusal.detail,
            )
        except NotOfferedAnyMore:
            pass
    is_late = isinstance(refusal, IllegalTransition) and managed_booking.shown.status not in STANDING_STATUSES
    notice = _("It was canceled or moved before; nothing has changed now.") if is_late else refusal.detail
    return page(managed_booking, token, notice=notice, locale=locale_of(session.info["caller"], managed_booking.brand.locale))


def move_page(
    session: Session, booking: Booking, visit: PageParameters, reason: str = "", notice: str | None = None, *, is_host: bool = False
) -> RenderedPage:
    """The calendar for another time, or what is asked before it moves there. Raises `NotOfferedAnyMore`."""
    offer = bookable_event_type(session, booking.event_type_id, only_active=False)
    if offer is None:
        raise NotOfferedAnyMore
    choice = slot_choices_of(session, offer, visit, Exclusions(booking_id=booking.id))
    locale = locale_of(session.info["caller"], offer.brand.locale)
    words = Words(DOMAIN, locale)
    is_form = choice.slot is not None or bool(notice)
    field = FormField(
        "reason", words("Why do you move it? (optional)"), QuestionType.LONG_TEXT, False, [reason] if reason else [], most=500
    )
    hidden = visit.fields(action="move", timezone=choice.zone.key)
    if choice.slot is not None:
        hidden["time"] = format_instant(choice.slot.start)
    elif visit.start is not None and notice is None:
        notice = _("This time is not open any more. Choose another one.")
    shown = {
        "heading": offer.event_type.name,
        "step": "form" if is_form else "times",
        "notice": words(notice) if notice else None,
        "is_gone": choice.slot is None,
        "was": when(booking.start_time, booking.end_time, choice.zone.key, locale),
        "fields": [field],
        "hidden": hidden,
        "submit": words("Move it to this time"),
        "is_asked": offer.event_type.requires_confirmation and not is_host,
    }
    return RenderedPage(booking_page.calendar(offer, visit, choice, locale, **shown).html, headers(offer.brand, has_script=True))
