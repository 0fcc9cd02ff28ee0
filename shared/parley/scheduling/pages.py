"""Templates, and how a time is said."""

from pathlib import Path
from typing import Any

from parley.notifications import templates
from parley.scheduling.times import when, when_briefly

__all__ = ["FOLDER", "render", "when", "when_briefly"]

FOLDER = Path(__file__).parent / "templates"


def render(template: str, **shown: Any) -> str:
    """A template of this domain; in HTML every value is escaped."""
    return templates.render(FOLDER, template, **shown)
