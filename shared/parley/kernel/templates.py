"""Templates of a domain: Jinja, in the folder `templates` beside the module that shows them."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup


@cache
def _templates(folder: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(folder: Path, template: str, **shown: Any) -> str:
    """A template; in HTML every value is escaped."""
    return _templates(folder).get_template(template).render(**shown)


@cache
def style(folder: Path, name: str) -> Markup:
    """A style sheet, to stand in a page."""
    return Markup((folder / name).read_text())  # noqa: S704  # our own file


@cache
def page_headers(folder: Path, name: str) -> dict[str, str]:
    """The headers of a page that has that style sheet and whose address is a secret: it goes to nobody; nothing is loaded, nothing runs,
    nobody frames the page."""
    digest = base64.b64encode(hashlib.sha256(style(folder, name).encode()).digest()).decode()
    return {
        "content-security-policy": (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
        "x-robots-tag": "noindex, nofollow",
    }
