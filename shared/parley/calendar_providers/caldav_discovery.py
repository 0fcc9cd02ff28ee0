"""From what somebody knows of a CalDAV server to their calendars (RFC 6764, RFC 5397, RFC 4791, 6.2.1)."""

from contextlib import suppress
from urllib.parse import urlsplit

from parley.calendar_providers import icalendar_busy_times
from parley.calendar_providers.provider_protocol import DiscoveryResult, ProviderCalendar, ProviderError, ProviderErrorCode
from parley.calendar_providers.webdav import CALDAV, DAV, SERVER, DavResource, DavServer, Multistatus, absolute_url, is_own

_PRINCIPAL, _HOME, _NAME = f"{DAV}current-user-principal", f"{CALDAV}calendar-home-set", f"{DAV}displayname"
_KIND, _COMPONENTS = f"{DAV}resourcetype", f"{CALDAV}supported-calendar-component-set"
_RIGHTS, _ZONE, _TRANSPARENCY = f"{DAV}current-user-privilege-set", f"{CALDAV}calendar-timezone", f"{CALDAV}schedule-calendar-transp"
_OF_CALENDAR = (_KIND, _NAME, _COMPONENTS, _RIGHTS, _ZONE, _TRANSPARENCY, f"{SERVER}getctag")
_WRITING = {f"{DAV}{name}" for name in ("all", "write", "write-content", "bind")}
_ADDRESSES = f"{CALDAV}calendar-user-address-set"
_MOST_CALENDARS = 100


def discover_calendars(server: DavServer) -> DiscoveryResult:
    """Raises `ProviderError`: `unauthorized` for a wrong password, `not_found` where no calendar is found."""
    url, principal, home, name = _home(server)
    # Calendars that lie with others are theirs to be connected: the password does not go there.
    listed = [resource for resource in server.propfind(home, 1, _OF_CALENDAR).resources if is_own(server.account.url, resource.url)]
    calendar_resources = [resource for resource in listed if _is_calendar(resource)][:_MOST_CALENDARS]
    if not calendar_resources:
        raise ProviderError(ProviderErrorCode.NOT_FOUND, "There is no calendar at this address.")
    calendars = [_calendar(resource, is_first=at == 0) for at, resource in enumerate(calendar_resources)]
    parts = urlsplit(principal)
    return DiscoveryResult(
        account_id=f"{server.account.username}@{parts.netloc}{parts.path}", account_name=name, calendars=calendars, url=url
    )


def addresses(server: DavServer) -> frozenset[str]:
    """Whom invitations call the account's owner: by the server (RFC 6638, 2.4.1), and by the name that they log in with. Asked once."""
    if server.addresses is None:
        own = {icalendar_busy_times.address_of(server.account.username)}
        with suppress(ProviderError):  # a server that knows no scheduling
            answered = server.propfind(server.account.url, 0, (_PRINCIPAL,))
            principal = next((href for resource in answered.resources if (href := resource.href(_PRINCIPAL))), None)
            for resource in server.propfind(principal, 0, (_ADDRESSES,)).resources if principal else []:
                element = resource.properties.get(_ADDRESSES)
                own |= {icalendar_busy_times.address_of(href.text) for href in (element if element is not None else ()) if href.text}
        server.addresses = frozenset(own)
    return server.addresses


def _home(server: DavServer) -> tuple[str, str, str, str]:
    """Where to ask from now on, whose account it is, where its calendars are, and what to call it."""
    first = _first(server)
    start = first.resources[0] if first.resources else None
    if start is None:
        raise ProviderError(ProviderErrorCode.NOT_FOUND, "There is no CalDAV at this address.")
    principal, home = start.href(_PRINCIPAL), start.href(_HOME)
    name = server.account.username
    if home is None and principal is not None:
        answered = server.propfind(principal, 0, (_HOME, _NAME))
        home = next((href for resource in answered.resources if (href := resource.href(_HOME))), None)
    if home is None:
        # The calendar itself, at a server that knows of no principals.
        home, principal = first.url, principal or first.url
    return home, principal or home, home, name


def _first(server: DavServer) -> Multistatus:
    """The address as it was given; where it says nothing of its own, the host's well-known one."""
    url, properties = server.account.url, (_PRINCIPAL, _HOME, _KIND)
    try:
        answered = server.propfind(url, 0, properties)
        if any(resource.href(_PRINCIPAL) or resource.href(_HOME) or _is_calendar(resource) for resource in answered.resources):
            return answered
    except ProviderError as met:
        if met.code in (ProviderErrorCode.UNAUTHORIZED, ProviderErrorCode.TIMED_OUT, ProviderErrorCode.RATE_LIMITED):
            raise
    return server.propfind(absolute_url(url, "/.well-known/caldav"), 0, properties)


def _is_calendar(resource: DavResource) -> bool:
    kind, components = resource.properties.get(_KIND), resource.properties.get(_COMPONENTS)
    if kind is None or kind.find(f"{CALDAV}calendar") is None:
        return False
    return components is None or "VEVENT" in {(inner.get("name") or "").upper() for inner in components}


def _calendar(resource: DavResource, *, is_first: bool) -> ProviderCalendar:
    rights, transparency = resource.properties.get(_RIGHTS), resource.properties.get(_TRANSPARENCY)
    return ProviderCalendar(
        id=resource.url,
        name=(resource.text(_NAME) or resource.url.rstrip("/").rpartition("/")[2])[:200],
        timezone=_zone(resource.text(_ZONE)),
        is_writable=rights is None or bool(_WRITING & {inner.tag for right in rights for inner in right}),
        is_usual=is_first,
        counts=transparency is None or transparency.find(f"{CALDAV}transparent") is None,
    )


def _zone(text: str | None) -> str | None:
    try:
        return icalendar_busy_times.timezone_of(icalendar_busy_times.parse_calendars(text.encode())) if text else None
    except ProviderError:
        return None
