"""The page behind the link of the invitee's mail: plain HTML, which a form on it posts back to."""

import base64
import hashlib
from functools import cache
from pathlib import Path

from markupsafe import Markup

from parley.scheduling.models import STANDING
from parley.scheduling.pages import render, when
from parley.scheduling.schemas import ManagedBookingRead


@cache
def _style() -> str:
    return (Path(__file__).parent / "templates" / "booking.css").read_text()


@cache
def headers() -> dict[str, str]:
    """The address is a secret, so it goes to nobody; nothing is loaded, nothing runs, nobody frames the page."""
    style = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return {
        "content-security-policy": (
            f"default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
        "x-robots-tag": "noindex, nofollow",
    }


def page(booking: ManagedBookingRead) -> str:
    """The booking, with the form that cancels it while it stands."""
    return render(
        "booking.html",
        style=Markup(_style()),  # noqa: S704  # our own file
        heading=booking.event_type_name,
        booking=booking,
        when=when(booking.start_time, booking.end_time, booking.timezone),
        is_standing=booking.status in STANDING,
    )


def page_without_booking(message: str) -> str:
    return render("booking.html", style=Markup(_style()), heading=message, booking=None)  # noqa: S704  # our own file
