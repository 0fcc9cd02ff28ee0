"""How an organization shows itself to strangers, and what its color becomes so that everybody can read it (WCAG 2.2, 1.4.3 and 1.4.11)."""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from parley.kernel.values.settings import setting

ENOUGH = 4.5
"""The contrast that text needs against what is behind it (WCAG 2.2, 1.4.3, level AA)."""

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
LIGHT, DARK = WHITE, (27, 31, 36)
"""What stands behind text: `--card` of page.css."""

Color = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Brand:
    """An organization as strangers see it. `color` is `#rrggbb`."""

    name: str
    slug: str
    logo_url: str | None
    color: str | None
    locale: str | None = None

    def address(self, event_type_slug: str = "", host: str | None = None) -> str:
        """Where people book with it: a page for browsers, of one event type or of them all."""
        path = f"/{self.slug}/{event_type_slug}" if event_type_slug else f"/{self.slug}"
        return setting("PUBLIC_URL").rstrip("/") + path + (f"?host={quote(host)}" if host else "")

    @property
    def logo_origin(self) -> str:
        """Where the logo comes from; empty without one."""
        parts = urlsplit(self.logo_url or "")
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""

    @property
    def style(self) -> str:
        """The rules that put the color into the page, for a light screen and a dark one. Empty without a color."""
        if self.color is None:
            return ""
        brand = parse(self.color)
        return f":root{{{_rules(brand, LIGHT)}}}@media (prefers-color-scheme:dark){{:root{{{_rules(brand, DARK)}}}}}"


def parse(color: str) -> Color:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def contrast(color: Color, other: Color) -> float:
    """From 1 to 21 (WCAG 2.2, "contrast ratio")."""
    low, high = sorted((_luminance(color), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: Color) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (value / 255 for value in color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mixed(color: Color, other: Color, share: float) -> Color:
    red, green, blue = (round(channel + (other_channel - channel) * share) for channel, other_channel in zip(color, other, strict=True))
    return red, green, blue


def on(color: Color) -> Color:
    """Black or white, whichever is read better on the color: at least 4.58 for any."""
    return max(WHITE, BLACK, key=lambda text: contrast(color, text))


def tint(color: Color, behind: Color) -> Color:
    """A touch of the color, behind text."""
    return _mixed(behind, color, 0.12)


def readable(color: Color, behind: Color) -> Color:
    """The color, or as little darker or lighter as it takes to be read on `behind` and on its own tint there."""
    towards = BLACK if contrast(BLACK, behind) > contrast(WHITE, behind) else WHITE
    soft = tint(color, behind)
    for step in range(21):
        candidate = _mixed(color, towards, step / 20)
        if contrast(candidate, behind) >= ENOUGH and contrast(candidate, soft) >= ENOUGH:
            return candidate
    return towards


def _rules(color: Color, behind: Color) -> str:
    """A button has to stand out from what it lies on (3 to 1), so one in the card's own color is shown as its readable form."""
    filled = color if contrast(color, behind) >= 3 else readable(color, behind)
    named = {"brand": filled, "on-brand": on(filled), "brand-text": readable(color, behind), "tint": tint(color, behind)}
    return ";".join(f"--{name}:#{red:02x}{green:02x}{blue:02x}" for name, (red, green, blue) in named.items())
