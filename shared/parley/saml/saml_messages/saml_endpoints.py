"""Where an organization's service provider answers. Its entity id is the address of its metadata (SAML metadata, 4.1)."""

import re
from urllib.parse import urlsplit
from uuid import UUID

from parley.kernel.values.settings import setting

_LONGEST = 2000
_LONGEST_RETURN = 1000
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# A path of ours: not `//host` and not `/\\host`, which browsers take for another host's.
_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*", re.ASCII)


def service_provider_url(organization_id: UUID) -> str:
    return f"{setting('PUBLIC_URL').rstrip('/')}/saml/{organization_id}"


def entity_id(organization_id: UUID) -> str:
    return f"{service_provider_url(organization_id)}/metadata"


def acs(organization_id: UUID) -> str:
    return f"{service_provider_url(organization_id)}/acs"


def log_in(organization_id: UUID) -> str:
    return f"{service_provider_url(organization_id)}/login"


def is_path(return_to: str) -> bool:
    """Whether a browser may be sent there afterwards: a path on this host, whatever a browser makes of it."""
    return len(return_to) <= _LONGEST_RETURN and _PATH.fullmatch(return_to) is not None


def is_web(url: str) -> bool:
    """Whether a browser may be sent there for logging in: https, or http on a developer's own machine."""
    try:
        parts = urlsplit(url)
        is_trusted = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    except ValueError:
        return False
    is_plain = len(url) <= _LONGEST and url.isascii() and url.isprintable() and not {" ", "\\", '"', "<", ">"} & set(url)
    return is_trusted and bool(parts.hostname) and is_plain and not parts.fragment and parts.username is None
