"""Pages and mails: Jinja, in the folder `templates` beside the module that shows them, on a frame and a style that all have in common."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

_COMMON = Path(__file__).parent / "templates"
_BASE = "page.css"


@cache
def _templates(folder: Path) -> Environment:
    return Environment(
        loader=ChoiceLoader([FileSystemLoader(folder), FileSystemLoader(_COMMON)]),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(folder: Path, template: str, **shown: Any) -> str:
    """A template; in HTML every value is escaped."""
    return _templates(folder).get_template(template).render(**shown)


@cache
def text(folder: Path, name: str) -> Markup:
    """A style sheet or a script of ours, to stand in a page."""
    return Markup((folder / name).read_text())  # noqa: S704  # our own file


@cache
def style(folder: Path, *names: str) -> Markup:
    """The style of a page: what all pages have in common, then its own sheets."""
    return Markup("").join([text(_COMMON, _BASE), *(text(folder, name) for name in names)])


def digest(shown: str) -> str:
    """How a Content-Security-Policy names a style or a script that stands in the page (CSP 3, 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(shown.encode()).digest()).decode()}'"


def policy(styles: Sequence[str], scripts: Sequence[str] = (), images: str = "", widget: str = "", *, may_be_framed: bool = False) -> str:
    """A Content-Security-Policy: these styles and scripts, images of one origin at most, requests and forms to ourselves alone; and what
    a `widget` of other origins needs, in a frame of its own."""
    directives = ["default-src 'none'", f"style-src {' '.join(map(digest, styles))}"]
    if scripts:
        directives += [f"script-src {' '.join([*map(digest, scripts), widget]).strip()}", f"connect-src 'self' {widget}".strip()]
    if widget:
        directives.append(f"frame-src {widget}")
    if images:
        directives.append(f"img-src {images}")
    directives += ["form-action 'self'", "base-uri 'none'", f"frame-ancestors {'*' if may_be_framed else chr(39) + 'none' + chr(39)}"]
    return "; ".join(directives)


SECRET = {"referrer-policy": "no-referrer", "x-frame-options": "DENY", "x-robots-tag": "noindex, nofollow"}
"""The headers of a page whose address is a secret: it goes to nobody, and nobody frames the page."""


@cache
def page_headers(folder: Path, *names: str) -> dict[str, str]:
    """The headers of a page with those style sheets and a secret address; nothing is loaded, nothing runs."""
    return SECRET | {"content-security-policy": policy([style(folder, *names)])}
