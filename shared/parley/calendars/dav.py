"""WebDAV as CalDAV uses it (RFC 4918, 4791, 6578): requests with a body in XML, and what several resources answer."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit, urlunsplit
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException  # type: ignore[import-untyped]  # it has no types
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]  # it has no types

from parley.calendars.digest import Challenge
from parley.calendars.protocol import CalDavAccount, InTrouble, TroubleCode
from parley.calendars.wire import Deadline, send, trouble_of
from parley.kernel.outgoing import Answer

DAV, CALDAV, SERVER = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{http://calendarserver.org/ns/}"
_NAMES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"'
_PREFIXES = {DAV: "D", CALDAV: "C", SERVER: "S"}
_REDIRECTS = (301, 302, 307, 308)
_MOST_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Resource:
    """What a multistatus says of one: its URL, its status (None where it has properties), and the properties that it has."""

    url: str
    status: int | None
    properties: dict[str, Element]

    def text(self, name: str) -> str | None:
        found = self.properties.get(name)
        return found.text.strip() if found is not None and found.text else None

    def href(self, name: str) -> str | None:
        """The first address in a property, whole."""
        found = self.properties.get(name)
        inner = found.find(f"{DAV}href") if found is not None else None
        return joined(self.url, inner.text.strip()) if inner is not None and inner.text else None


@dataclass(frozen=True, slots=True)
class Multistatus:
    """`url` is where it was answered, after redirects."""

    url: str
    resources: list[Resource]
    sync_token: str | None


class Server:
    """An account's server, within one deadline. `addresses` are its owner's, once somebody has asked."""

    def __init__(self, account: CalDavAccount, deadline: Deadline) -> None:
        self.account, self.deadline = account, deadline
        password = f"{account.username}:{account.password}".encode()
        self._basic = f"Basic {base64.b64encode(password).decode()}"
        self._challenge: Challenge | None = None
        self.addresses: frozenset[str] | None = None

    def request(self, method: str, url: str, headers: dict[str, str] | None = None, body: bytes = b"") -> tuple[str, Answer]:
        """One request, redirects followed: each to an address that is checked as the first one was, and never without TLS.

        Returns where it was answered. A server has the password anyway: it may say where else to bring it.
        """
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._sent(method, url, headers or {}, body)
            if answer.status not in _REDIRECTS or not answer.headers.get("location"):
                return url, answer
            url = joined(url, answer.headers["location"])
        raise InTrouble(TroubleCode.REFUSED, "The server leads from one address to another without end.")

    def _sent(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Once more for a server that wants a digest: the first time, or since its nonce is too old."""
        answer = send(method, url, self.deadline, headers | {"authorization": self._authorization(method, url)}, body)
        challenge = Challenge.read(answer.headers.get("www-authenticate", "")) if answer.status == 401 else None
        if challenge is None:
            return answer
        self._challenge = challenge
        return send(method, url, self.deadline, headers | {"authorization": self._authorization(method, url)}, body)

    def _authorization(self, method: str, url: str) -> str:
        if self._challenge is None:
            return self._basic
        return self._challenge.answered(method, url, self.account.username, self.account.password)

    def propfind(self, url: str, depth: int, properties: Sequence[str]) -> Multistatus:
        body = f"<D:propfind {_NAMES}><D:prop>{''.join(tag(name) for name in properties)}</D:prop></D:propfind>"
        return self._multistatus("PROPFIND", url, body, {"depth": str(depth)})

    def report(self, url: str, body: str, depth: int = 1) -> Multistatus:
        return self._multistatus("REPORT", url, body, {"depth": str(depth)})

    def _multistatus(self, method: str, url: str, body: str, headers: dict[str, str]) -> Multistatus:
        content = f'<?xml version="1.0" encoding="utf-8"?>{body}'.encode()
        at, answer = self.request(method, url, headers | {"content-type": "application/xml; charset=utf-8"}, content)
        if answer.status != 207:
            raise dav_trouble(answer)
        return _read(at, answer.body)


def names() -> str:
    return _NAMES


def tag(name: str, content: str = "") -> str:
    """An element of one of our namespaces; the content is XML."""
    space, _, local = name.rpartition("}")
    short = f"{_PREFIXES[space + '}']}:{local}"
    return f"<{short}>{content}</{short}>" if content else f"<{short}/>"


def text(value: str) -> str:
    return escape(value)


def joined(base: str, href: str) -> str:
    """A whole URL, always with the same escapes for the same resource."""
    parts = urlsplit(urljoin(base, href))
    # Segment by segment: an escaped slash is none.
    path = "/".join(quote(unquote_to_bytes(one), safe="~@:!$&'()*+,;=-._") for one in parts.path.split("/"))
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def dav_trouble(answer: Answer) -> InTrouble:
    """Of a status, and of the precondition that its body names."""
    if answer.status in (403, 409, 412, 507) and b"valid-sync-token" in answer.body:
        return InTrouble(TroubleCode.SYNC_EXPIRED, "The server has forgotten what it told us last.")
    return trouble_of(answer)


def parse(body: bytes) -> Element:
    """Raises `InTrouble`. No entities, no document types: what names one is refused."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise InTrouble(TroubleCode.UNAVAILABLE, "The server's answer is not the XML that it should be.") from error
    return root


def _read(url: str, body: bytes) -> Multistatus:
    root = parse(body)
    if root.tag != f"{DAV}multistatus":
        raise InTrouble(TroubleCode.UNAVAILABLE, "The server does not answer as CalDAV does.")
    token = root.find(f"{DAV}sync-token")
    found = [_resource(url, one) for one in root.findall(f"{DAV}response")]
    return Multistatus(url, [one for one in found if one is not None], token.text if token is not None else None)


def _resource(base: str, response: Element) -> Resource | None:
    href = response.find(f"{DAV}href")
    if href is None or not href.text:
        return None
    properties: dict[str, Element] = {}
    for stat in response.findall(f"{DAV}propstat"):
        prop = stat.find(f"{DAV}prop")
        if prop is not None and _status(stat) == 200:
            properties |= {one.tag: one for one in prop}
    return Resource(joined(base, href.text.strip()), _status(response), properties)


def _status(element: Element) -> int | None:
    said = element.find(f"{DAV}status")
    words = (said.text or "").split() if said is not None else []
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None
