"""The page behind the link of the invitee's mail: plain HTML, which a form on it posts back to."""

from parley.kernel import templates
from parley.scheduling.kinds import STANDING
from parley.scheduling.pages import FOLDER, render, when
from parley.scheduling.schemas import ManagedBookingRead

_STYLE = "booking.css"


def headers() -> dict[str, str]:
    return templates.page_headers(FOLDER, _STYLE)


def page(booking: ManagedBookingRead) -> str:
    """The booking, with the form that cancels it while it stands."""
    return render(
        "booking.html",
        style=templates.style(FOLDER, _STYLE),
        heading=booking.event_type_name,
        booking=booking,
        when=when(booking.start_time, booking.end_time, booking.timezone),
        is_standing=booking.status in STANDING,
    )


def page_without_booking(message: str) -> str:
    return render("booking.html", style=templates.style(FOLDER, _STYLE), heading=message, booking=None)
