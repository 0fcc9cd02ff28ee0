"""The host's pages, behind the link of their mail: who asks for what, and forms that confirm, decline, cancel or move it."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.values.errors import Refusal
from parley.kernel.values.fields import storable
from parley.notifications import templates
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import Words
from parley.notifications.localization.catalogues import marked as _
from parley.scheduling.availability.live_busy_times import LiveBusyTimes
from parley.scheduling.availability.slots import SlotNotOffered
from parley.scheduling.bookings import host_access
from parley.scheduling.bookings.host_access import HostedBooking
from parley.scheduling.bookings.host_links import HostKey
from parley.scheduling.bookings.rescheduling import NotOfferedAnyMore
from parley.scheduling.bookings.schemas import BookingMove
from parley.scheduling.bookings.state_machine import IllegalTransition
from parley.scheduling.common.page_templates import DOMAIN, FOLDER, locale_of, render, when
from parley.scheduling.notifications.booking_context import ERASED
from parley.scheduling.pages import booking_page, invitee_page
from parley.scheduling.pages.booking_page import RenderedPage
from parley.scheduling.pages.page_parameters import PageParameters, parse_instant
from parley.scheduling.tables.enums import BookingStatus, Change

_HEADINGS = {
    BookingStatus.PENDING: _("Please confirm"),
    BookingStatus.CONFIRMED: _("Confirmed"),
    BookingStatus.CANCELED: _("This booking is canceled"),
    BookingStatus.RESCHEDULED: _("This booking was moved"),
    BookingStatus.NO_SHOW: _("This meeting is over"),
    BookingStatus.COMPLETED: _("This meeting is over"),
}
_FORMS = {
    Change.CONFIRM: (_("Confirm"), _("The invitee is told by mail that the time is theirs."), False),
    Change.DECLINE: (_("Decline"), _("The time is given back, and the invitee is told by mail."), True),
    Change.CANCEL: (_("Cancel this booking"), _("The time is given back, and the invitee is told by mail."), True),
}
"""The button, what it does, and whether a reason can be given."""
_DONE = {
    "confirmed": _("Done. The invitee gets a mail."),
    "changed": _("Done. The invitee gets a mail."),
    "moved": _("Moved. Everybody gets a mail with the new time."),
}


def page(
    hosted_booking: HostedBooking, key: HostKey, *, done: str = "", notice: str | None = None, locale: str = languages.DEFAULT
) -> RenderedPage:
    """The booking, and a form for each thing that its host can do with it."""
    booking, invitee = hosted_booking.booking, hosted_booking.invitee
    words = Words(DOMAIN, locale)
    sentences = [words(_DONE[done])] if done in _DONE else []
    if hosted_booking.is_standing and not hosted_booking.may_change:
        sentences.append(words("Your role in this organization lets you look at bookings, and not change them."))
    html = render(
        "hosted.html",
        locale,
        style=templates.style(FOLDER, booking_page.SHEET),
        heading=words(_HEADINGS[booking.status]),
        brand=hosted_booking.brand,
        booking=booking,
        event_type=hosted_booking.event_type,
        invitee_name=invitee.name or ERASED,
        invitee=invitee,
        answers=hosted_booking.answers,
        when=when(booking.start_time, booking.end_time, hosted_booking.host.timezone, locale),
        notice=words(notice) if notice else None,
        sentences=sentences,
        is_standing=hosted_booking.is_standing,
        forms=[(choice.value, *(words(text) for text in _FORMS[choice][:2]), _FORMS[choice][2]) for choice in hosted_booking.choices],
        may_move=hosted_booking.may_move,
        path=key.path,
        moved_to=HostKey(key.organization_id, hosted_booking.moved_to, key.host_id).path if hosted_booking.moved_to else None,
    )
    return RenderedPage(html, invitee_page.headers(hosted_booking.brand))


def show(session: Session, key: HostKey, query: Mapping[str, str]) -> RenderedPage:
    """What the address asks for: the booking, or the calendar that moves it. Raises `HostLinkEnded`."""
    hosted_booking = host_access.find(session, key)
    if query.get("move") and hosted_booking.may_move:
        try:
            return _move_page(session, hosted_booking, key, {"timezone": hosted_booking.host.timezone, **query})
        except NotOfferedAnyMore as refusal:
            return page(hosted_booking, key, notice=refusal.detail, locale=locale_of(session.info["caller"], hosted_booking.brand.locale))
    return page(hosted_booking, key, done=query.get("done", ""), locale=locale_of(session.info["caller"], hosted_booking.brand.locale))


def submit(session: Session, visitor: Caller, key: HostKey, form: Mapping[str, str], fresh: LiveBusyTimes | None = None) -> str:
    """Do what the form is for, once. Where the page is then. Raises what `host_access.change` and `host_access.reschedule` raise."""
    reason, action = storable(form.get("reason", "")).strip()[:500] or None, form.get("action", "")
    if action == "move":
        start = parse_instant(form.get("time", ""))
        if start is None:
            raise SlotNotOffered(_("Choose a time."))
        moved = host_access.reschedule(session, visitor, key, BookingMove(start_time=start, reason=reason), fresh)
        return f"{moved.path}?done=moved"
    if action not in {choice.value for choice in _FORMS}:
        raise SlotNotOffered(_("Choose what to do."))
    host_access.change(session, visitor, key, Change(action), reason)
    return f"{key.path}?done={'confirmed' if action == Change.CONFIRM.value else 'changed'}"


def page_after_refusal(session: Session, key: HostKey, form: Mapping[str, str], refusal: Refusal) -> RenderedPage:
    """The page after a refusal: other times, where one was wanted and can be. Raises `HostLinkEnded`."""
    hosted_booking = host_access.find(session, key)
    if form.get("action") == "move" and hosted_booking.may_move:
        try:
            return _move_page(session, hosted_booking, key, form, storable(form.get("reason", ""))[:500], notice=refusal.detail)
        except NotOfferedAnyMore:
            pass
    is_late = isinstance(refusal, IllegalTransition)
    notice = _("This was decided before; nothing has changed now.") if is_late else refusal.detail
    return page(hosted_booking, key, notice=notice, locale=locale_of(session.info["caller"], hosted_booking.brand.locale))


def _move_page(
    session: Session,
    hosted_booking: HostedBooking,
    key: HostKey,
    parameters: Mapping[str, str],
    reason: str = "",
    notice: str | None = None,
) -> RenderedPage:
    return invitee_page.move_page(session, hosted_booking.booking, PageParameters.of(key.path, parameters), reason, notice, is_host=True)


def ended_page(refusal: Refusal, locale: str = languages.DEFAULT) -> RenderedPage:
    """Nothing of the booking is shown any more."""
    heading, style = Words(DOMAIN, locale)(refusal.detail), templates.style(FOLDER, booking_page.SHEET)
    html = render("missing.html", locale, heading=heading, style=style, brand=None)
    return RenderedPage(html, invitee_page.headers())
