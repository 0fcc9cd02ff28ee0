"""Where a browser goes when it comes back from a provider: a path of ours, or an address at an origin that the operator allows."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from parley.kernel.values.errors import BadRequest
from parley.kernel.values.settings import setting

_MOST = 500
# Printable ASCII without what browsers read as a slash or take out of an address.
_CHARACTERS = re.compile(r"[!-~]+")


class BadReturnAddress(BadRequest):
    """The address to return to is not one of ours."""


def _origins() -> frozenset[str]:
    """The origins that WEB_ORIGINS names. The asterisk allows any page to call the API; it allows no page to be returned to."""
    named = (origin.strip().rstrip("/").lower() for origin in setting("WEB_ORIGINS", "").split(","))
    return frozenset(origin for origin in (*named, setting("PUBLIC_URL", "").rstrip("/").lower()) if "://" in origin and "*" not in origin)


def allowed_return(return_to: str | None) -> str | None:
    """The address to return to, as it was asked for. Raises `BadReturnAddress`."""
    if return_to is None:
        return None
    if len(return_to) <= _MOST and _CHARACTERS.fullmatch(return_to) and "\\" not in return_to and "#" not in return_to:
        if return_to.startswith("/"):
            if not return_to.startswith("//"):
                return return_to
        else:
            try:
                parts = urlsplit(return_to)
                if (
                    parts.username is None
                    and parts.scheme in ("https", "http")
                    and f"{parts.scheme}://{parts.netloc}".lower() in _origins()
                ):
                    return return_to
            except ValueError:
                pass
    raise BadReturnAddress("return_to is a path of this API, or an address at one of the allowed origins.")


def with_query(return_to: str, **added: str) -> str:
    """The address with further parameters; those of the same name that were there are gone."""
    parts = urlsplit(return_to)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in added]
    return urlunsplit(parts._replace(query=urlencode([*kept, *added.items()])))
