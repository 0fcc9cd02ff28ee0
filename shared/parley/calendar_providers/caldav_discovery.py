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
    listed = [one for one in server.propfind(home, 1, _OF_CALENDAR).resources if is_own(server.account.url, one.url)]
    found = [one for one in listed if _is_calendar(one)][:_MOST_CALENDARS]
    if not found:
        raise ProviderError(ProviderErrorCode.NOT_FOUND, "There is no calendar at this address.")
    calendars = [_calendar(one, is_first=at == 0) for at, one in enumerate(found)]
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
            principal = next((href for one in answered.resources if (href := one.href(_PRINCIPAL))), None)
            for one in server.propfind(principal, 0, (_ADDRESSES,)).resources if principal else []:
                found = one.properties.get(_ADDRESSES)
                own |= {icalendar_busy_times.address_of(href.text) for href in (found if found is not None else ()) if href.text}
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
        home = next((href for one in answered.resources if (href := one.href(_HOME))), None)
    if home is None:
        # The calendar itself, at a server that knows of no principals.
        home, principal = first.url, principal or first.url
    return home, principal or home, home, name


def _first(server: DavServer) -> Multistatus:
    """The address as it was given; where it says nothing of its own, the host's well-known one."""
    url, asked = server.account.url, (_PRINCIPAL, _HOME, _KIND)
    try:
        answered = server.propfind(url, 0, asked)
        if any(one.href(_PRINCIPAL) or one.href(_HOME) or _is_calendar(one) for one in answered.resources):
            return answered
    except ProviderError as met:
        if met.code in (ProviderErrorCode.UNAUTHORIZED, ProviderErrorCode.TIMED_OUT, ProviderErrorCode.RATE_LIMITED):
            raise
    return server.propfind(absolute_url(url, "/.well-known/caldav"), 0, asked)


def _is_calendar(one: DavResource) -> bool:
    kind, components = one.properties.get(_KIND), one.properties.get(_COMPONENTS)
    if kind is None or kind.find(f"{CALDAV}calendar") is None:
        return False
    return components is None or "VEVENT" in {(inner.get("name") or "").upper() for inner in components}


def _calendar(one: DavResource, *, is_first: bool) -> ProviderCalendar:
    rights, transparency = one.properties.get(_RIGHTS), one.properties.get(_TRANSPARENCY)
    return ProviderCalendar(
        id=one.url,
        name=(one.text(_NAME) or one.url.rstrip("/").rpartition("/")[2])[:200],
        timezone=_zone(one.text(_ZONE)),
        is_writable=rights is None or bool(_WRITING & {inner.tag for right in rights for inner in right}),
        is_usual=is_first,
        counts=transparency is None or transparency.find(f"{CALDAV}transparent") is None,
    )


def _zone(said: str | None) -> str | None:
    try:
        return icalendar_busy_times.timezone_of(icalendar_busy_times.parse_calendars(said.encode())) if said else None
    except ProviderError:
        return None
