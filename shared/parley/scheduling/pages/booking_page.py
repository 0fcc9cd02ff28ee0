"""The page of an event type, `/{organization}/{event-type}`: a month, a day, a time, a form. It works without scripts, better with them.

It has no cookies and knows no session, so there is nothing that another site could make a browser do in somebody's name: whoever posts the
form books as a stranger, as anybody may.
"""

from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.kernel.persistence.idempotency import KeyReused, StillRunning
from parley.kernel.persistence.pagination import BadCursor
from parley.kernel.values.errors import Refusal
from parley.kernel.values.ids import new_id
from parley.notifications import templates
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import Words
from parley.notifications.localization.catalogues import marked as _
from parley.scheduling.availability.conflicts import Exclusions
from parley.scheduling.availability.inputs import BookableEventType, NoSuchEventType, bookable_event_type
from parley.scheduling.availability.live_busy_times import LiveBusyTimes
from parley.scheduling.availability.slots import LimitReached, SlotNotOffered, SlotTaken
from parley.scheduling.bookings import booking_service
from parley.scheduling.bookings.address_proofs import AddressProofNeeded
from parley.scheduling.bookings.answer_validation import InvalidAnswers
from parley.scheduling.bookings.booking_service import NoSuchBooking
from parley.scheduling.common.branding import Brand
from parley.scheduling.common.page_templates import DOMAIN, FOLDER, locale_of, render, when
from parley.scheduling.common.time_formats import clock, day_in_words, minutes_in_words, month_in_words, weekdays
from parley.scheduling.event_types import slugs
from parley.scheduling.pages import booking_form, captcha, month_view
from parley.scheduling.pages.booking_form import FormInput
from parley.scheduling.pages.page_parameters import PageParameters, format_instant
from parley.scheduling.pages.slot_choices import SlotChoices, slot_choices_of
from parley.scheduling.routing import routing_queries
from parley.scheduling.tables.booking_models import Booking
from parley.scheduling.tables.enums import EventTypeKind, LocationType

SHEET, SCRIPT = "booking.css", "booking.js"
PLACES = {
    LocationType.PHONE: _("Phone call"),
    LocationType.IN_PERSON: _("In person"),
    LocationType.ZOOM: _("Video call on Zoom"),
    LocationType.GOOGLE_MEET: _("Video call on Google Meet"),
    LocationType.MICROSOFT_TEAMS: _("Video call on Microsoft Teams"),
    LocationType.ROOM: _("Video call"),
}
_TOLD = {
    captcha.CaptchaNeeded: _("Show that you are a person once more, and send the form again."),
    KeyReused: _("This form was sent before, and what was booked then stands. Send it again to book once more."),
    InvalidAnswers: _("The questions of this form have just been changed. Look through it once more."),
    AddressProofNeeded: _("We have sent a code to your address. Enter it below, and send the form again."),
    StillRunning: _("This form is just being sent. If no invitation comes, send it again."),
}
"""How a visitor is told, who knows nothing of keys and of ids."""
_GONE = (SlotTaken, LimitReached, SlotNotOffered)
NOT_FOUND = (NoSuchEventType, NoSuchBooking, BadCursor)
"""What is answered with the page that says that there is nothing."""

EMBEDDED = {"cache-control": "public, max-age=3600", "cross-origin-resource-policy": "cross-origin"}
"""The headers of the script that others load."""


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A page with its headers."""

    html: str
    headers: dict[str, str]
    kind: str = "text/html; charset=utf-8"


NOTHING = RenderedPage("", {"cache-control": "no-store", "referrer-policy": "no-referrer"})
"""The body of a redirection."""


class BookedForm(BaseModel):
    """What is kept of a form that was sent, so that sending it twice books once. The link's secret is made of it again."""

    id: UUID


def event_type_of_page(session: Session, event_type_slug: str, visit: PageParameters) -> BookableEventType:
    """What the address names. One statement. Raises `NoSuchEventType`."""
    offer = bookable_event_type(session, slugs.event_type_by_slug(event_type_slug, visit.host))
    if offer is None:
        raise NoSuchEventType
    return offer


def show(session: Session, event_type_slug: str, visit: PageParameters, hold_token: str | None = None) -> RenderedPage:
    """The page and its headers: the calendar, or the form where an open time was chosen. Two statements. Raises `NoSuchEventType`."""
    offer = event_type_of_page(session, event_type_slug, visit)
    choice = slot_choices_of(session, offer, visit, Exclusions(hold=booking_service.hold_hash(hold_token)))
    is_gone = visit.start is not None and choice.slot is None
    words = Words(DOMAIN, locale_of(session.info["caller"], offer.brand.locale))
    notice = _("This time is not open any more. Choose another one.") if is_gone else None
    return _page(offer, visit, choice, FormInput() if choice.slot else None, words(notice) if notice else None, words)


def book(
    session: Session,
    caller: Caller,
    event_type_slug: str,
    visit: PageParameters,
    entered: FormInput,
    fresh: LiveBusyTimes,
    closed: Refusal | None,
) -> BookedForm:
    """Raises what `booking_service.book_slot` raises, and `closed`, what the captcha says."""
    captcha.require_captcha(closed)
    assert entered.wanted is not None
    named, submission = slugs.event_type_by_slug(event_type_slug, visit.host), entered.wanted.routing_submission_id
    if submission is not None and not routing_queries.is_routed(session, submission, named):
        # It stood in the address, where whoever books can't correct it.
        entered.wanted.routing_submission_id = None
    return BookedForm(id=booking_service.book_slot(session, caller, named, entered.wanted, fresh).id)


def book_once(caller: Caller, visit: PageParameters, done: BookedForm) -> str:
    """Where the booking is shown to who has made it. In a frame nothing can be changed, so it stays on this page."""
    token = booking_service.management_token(Booking(id=done.id, organization_id=caller.organization_id))
    return f"{visit.path}?booking={token}" + ("&embed=1" if visit.is_embedded else "")


def booked_before(caller: Caller, visit: PageParameters, kept: str) -> str:
    """The same for a form that was sent before. What is kept of somebody who was erased says nothing any more."""
    try:
        return book_once(caller, visit, BookedForm.model_validate_json(kept))
    except ValidationError:
        return visit.path


def page_after_refusal(
    session: Session, event_type_slug: str, visit: PageParameters, entered: FormInput, refusal: Refusal | None
) -> RenderedPage:
    """The form once more, with what was typed, what is wrong with it, and other times where the chosen one is gone."""
    offer = event_type_of_page(session, event_type_slug, visit)
    booking_form.check(offer, entered)
    booking_form.ask_for_proof(entered, refusal)
    choice = slot_choices_of(session, offer, visit, Exclusions(hold=booking_service.hold_hash(entered.hold_token)))
    if not isinstance(refusal, StillRunning):
        entered.key = None
    words = Words(DOMAIN, locale_of(session.info["caller"], offer.brand.locale))
    detail = words(_TOLD.get(type(refusal), refusal.detail)) if refusal else None
    notice = detail if not entered.errors else None
    if entered.is_trapped:
        notice = words("This form was filled in by a program. Look through it once more, and send it again.")
    if choice.slot is None or isinstance(refusal, _GONE):
        nothing_said = words("This time is not open any more.") if visit.start else words("Choose a time.")
        notice = f"{detail or nothing_said} {words('What you typed is kept.')}"
    return _page(offer, visit, choice, entered, notice, words, is_gone=choice.slot is None)


def _page(
    offer: BookableEventType,
    visit: PageParameters,
    choice: SlotChoices,
    entered: FormInput | None,
    notice: str | None,
    words: Words,
    *,
    is_gone: bool = False,
) -> RenderedPage:
    """With `entered` the form, without it the calendar."""
    row, zone = offer.event_type, choice.zone.key
    shown: dict[str, Any] = {}
    if entered is not None:
        fields = [field.said_in(words) for field in booking_form.fields(offer, entered, visit)]
        hidden = visit.fields(timezone=zone, once=entered.key or str(new_id()), name=None, email=None)
        hidden |= {"time": format_instant(choice.slot.start)} if choice.slot else {}
        hidden |= {"hold_token": entered.hold_token} if entered.hold_token else {}
        shown = {
            "fields": fields,
            "hidden": hidden,
            "errors": [field for field in fields if field.error],
            "submit": words("Book this time"),
        }
        if row.requires_confirmation:
            shown["submit"] = words("Ask for this time")
    return calendar(
        offer,
        visit,
        choice,
        words.locale,
        notice=notice,
        is_gone=is_gone,
        heading=row.name,
        step="form" if entered is not None else "times",
        may_hold=row.id,
        captcha=captcha.widget() if entered is not None else None,
        **shown,
    )


def calendar(offer: BookableEventType, visit: PageParameters, choice: SlotChoices, locale: str, **shown: Any) -> RenderedPage:
    """The template of a choice, for a new booking or for one that moves, and its headers."""
    row, zone = offer.event_type, choice.zone.key
    hosts = [host_schedule.name for host_schedule in offer.places if host_schedule.name]
    nothing: dict[str, Any] = {"fields": [], "hidden": {}, "errors": [], "submit": "", "may_hold": None, "was": None, "captcha": None}
    nothing["is_asked"] = row.requires_confirmation
    html = render(
        "choose.html",
        locale,
        **nothing
        | {
            "style": templates.style(FOLDER, SHEET),
            "script": templates.text(FOLDER, SCRIPT),
            "brand": offer.brand,
            "event_type": row,
            "hosts": hosts[:1] if row.kind is EventTypeKind.ROUND_ROBIN and len(hosts) == 1 else hosts,
            "is_pool": row.kind is EventTypeKind.ROUND_ROBIN,
            "length": minutes_in_words(row.duration, locale),
            "place": Words(DOMAIN, locale)(PLACES[row.location_type]) if row.location_type in PLACES else None,
            "visit": visit,
            "choice": choice,
            "zone": zone,
            "zones": month_view.zones(),
            "is_listed": zone in month_view.zone_names(),
            "clock": partial(clock, locale=locale),
            "weekdays": weekdays(locale),
            "day_in_words": partial(day_in_words, locale=locale),
            "month_in_words": partial(month_in_words, locale=locale),
            "when": (lambda slot: when(slot.start, slot.end, zone, locale)),
            "written": format_instant,
        }
        | shown,
    )
    response_headers = headers(offer.brand, is_embedded=visit.is_embedded, has_script=True, widget=shown.get("captcha"))
    return RenderedPage(html, response_headers)


def headers(
    brand: Brand | None, *, is_embedded: bool = False, has_script: bool = False, widget: captcha.CaptchaWidget | None = None
) -> dict[str, str]:
    """Of a page that anybody may see: only an embedded one may stand in a frame. Of others' places it loads the logo alone, and the
    captcha where there is one."""
    styles = [templates.style(FOLDER, SHEET), *([brand.style] if brand and brand.style else [])]
    scripts = [templates.text(FOLDER, SCRIPT)] if has_script or is_embedded else []
    policy = templates.policy(
        styles, scripts, brand.logo_origin if brand else "", widget.origins if widget else "", may_be_framed=is_embedded
    )
    framing = {} if is_embedded else {"x-frame-options": "DENY"}
    return {"content-security-policy": policy, "referrer-policy": "same-origin", "cache-control": "no-cache, private", **framing}


def refusal_page(refusal: Refusal, locale: str = languages.DEFAULT) -> RenderedPage:
    """What is said of everything that is not there: no such organization, event type, or host, and what is not offered any more."""
    heading = Words(DOMAIN, locale)("There is nothing to book here")
    html = render("missing.html", locale, heading=heading, style=templates.style(FOLDER, SHEET), brand=None)
    return RenderedPage(html, headers(None) | {"x-robots-tag": "noindex"})


@cache
def embed_script() -> str:
    return str(templates.text(FOLDER, "embed.js"))
