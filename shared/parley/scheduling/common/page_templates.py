"""Templates, and how a time is said."""

from pathlib import Path
from typing import Any

from parley.kernel.access.callers import Caller
from parley.notifications import templates
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import Words
from parley.notifications.localization.catalogues import marked as _
from parley.scheduling.common.time_formats import when, when_briefly

__all__ = ["FOLDER", "render", "when", "when_briefly"]

DOMAIN = "scheduling"
FOLDER = Path(__file__).parent / "templates"

STATUSES = (_("Pending"), _("Confirmed"), _("Canceled"), _("Rescheduled"), _("No show"), _("Completed"))
"""Of bookings, as pages say them."""


def locale_of(caller: Caller, *others: str | None) -> str:
    """What a visitor's browser asks for, else the others."""
    return languages.chosen(languages.accepted(caller.accept_language), *others)


def render(template: str, locale: str = languages.DEFAULT, **shown: Any) -> str:
    """A template of this domain, in a language; in HTML every value is escaped."""
    return templates.render(FOLDER, template, **{"_": Words(DOMAIN, locale), "lang": locale} | shown)
