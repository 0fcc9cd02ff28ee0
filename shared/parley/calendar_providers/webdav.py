"""WebDAV as CalDAV uses it (RFC 4918, 4791, 6578): requests with a body in XML, and what several resources answer."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit, urlunsplit
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException  # type: ignore[import-untyped]  # it has no types
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]  # it has no types

from parley.calendar_providers.digest_auth import DigestChallenge
from parley.calendar_providers.provider_http import Deadline, error_of_status, send
from parley.calendar_providers.provider_protocol import CalDavAccount, ProviderError, ProviderErrorCode
from parley.kernel.outbound.http_client import ClientResponse

DAV, CALDAV, SERVER = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{http://calendarserver.org/ns/}"
_NAMES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"'
_PREFIXES = {DAV: "D", CALDAV: "C", SERVER: "S"}
_PARTITION = re.compile(r"(?:p\d{1,4}-)?caldav\.icloud\.com(\.cn)?")
_IS_NUMERIC = re.compile(r"[\d.:\[\]]+")
_DECLARED = re.compile(r"^\s*<\?xml[^>]*\?>")
# What XML 1.0 allows in no document, in whatever form.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));")
_STRAY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
_ROOT = re.compile(r"<(?:[\w.-]+:)?multistatus\b[^<>]*>")
_RESPONSE, _RESPONSE_END = re.compile(r"<(?:[\w.-]+:)?response\b"), re.compile(r"</(?:[\w.-]+:)?response\s*>")
_HREF = re.compile(r"<((?:[\w.-]+:)?href)\b[^<>]*>([^<>&]*)</\1\s*>")
_TOKEN = re.compile(r"<((?:[\w.-]+:)?sync-token)\b[^<>]*>([^<>&]*)</\1\s*>\s*(?=<(?:/|[\w.-]+:?response))")
_REDIRECTS = (301, 302, 307, 308)
_MOST_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class DavResource:
    """What a multistatus says of one: its URL, its status (None where it has properties), and the properties that it has."""

    url: str
    status: int | None
    properties: dict[str, Element]

    def text(self, name: str) -> str | None:
        element = self.properties.get(name)
        return element.text.strip() if element is not None and element.text else None

    def href(self, name: str) -> str | None:
        """The first address in a property, whole."""
        element = self.properties.get(name)
        inner = element.find(f"{DAV}href") if element is not None else None
        return absolute_url(self.url, inner.text.strip()) if inner is not None and inner.text else None


@dataclass(frozen=True, slots=True)
class Multistatus:
    """`url` is where it was answered, after redirects."""

    url: str
    resources: list[DavResource]
    sync_token: str | None


class DavServer:
    """An account's server, within one deadline. `addresses` are its owner's, once somebody has asked."""

    def __init__(self, account: CalDavAccount, deadline: Deadline) -> None:
        self.account, self.deadline = account, deadline
        password = f"{account.username}:{account.password}".encode()
        self._basic = f"Basic {base64.b64encode(password).decode()}"
        self._challenge: DigestChallenge | None = None
        self.addresses: frozenset[str] | None = None

    def request(self, method: str, url: str, headers: dict[str, str] | None = None, body: bytes = b"") -> tuple[str, ClientResponse]:
        """One request, redirects followed: within the origin that answered, and never without TLS. Returns where it was answered.

        The password goes to the account's own server alone (`is_own`): whoever leads elsewhere gets no request. Raises `ProviderError`.
        """
        if not is_own(self.account.url, url):
            raise ProviderError(ProviderErrorCode.REFUSED, "The server names an address of another host, which gets no password of yours.")
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._sent(method, url, headers or {}, body)
            if answer.status not in _REDIRECTS or not answer.headers.get("location"):
                return url, answer
            following = absolute_url(url, answer.headers["location"])
            if _origin(following) != _origin(url):
                raise ProviderError(
                    ProviderErrorCode.REFUSED, "The server leads to another host. Connect the calendar with its address there."
                )
            url = following
        raise ProviderError(ProviderErrorCode.REFUSED, "The server leads from one address to another without end.")

    def _sent(self, method: str, url: str, headers: dict[str, str], body: bytes) -> ClientResponse:
        """Once more for a server that wants a digest: the first time, or since its nonce is too old."""
        answer = send(method, url, self.deadline, headers | {"authorization": self._authorization(method, url)}, body)
        challenge = DigestChallenge.read(answer.headers.get("www-authenticate", "")) if answer.status == 401 else None
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
            raise dav_error(answer)
        return _read(at, answer.body)


def _origin(url: str) -> tuple[str, str, int | None]:
    """RFC 6454."""
    try:
        parts = urlsplit(url)
        scheme, port = parts.scheme.lower(), parts.port
        return scheme, (parts.hostname or "").rstrip("."), port or {"https": 443, "http": 80}.get(scheme)
    except ValueError:
        return "", "", None


def is_own(account_url: str, url: str) -> bool:
    """Whether an account's password may go there (RFC 9110, 15.4): to its origin; by https to hosts below its own; and from one host of
    iCloud to another, for each account lies in a partition of it. Other hosts of the same domain may be anybody's: who owns what comes
    before the last dots is known from a list of public suffixes alone.
    """
    own, other = _origin(account_url), _origin(url)
    if own == other and own[1]:
        return True
    if (own[0], other[0]) != ("https", "https") or not own[1]:
        return False
    partitions = [_PARTITION.fullmatch(host) for host in (own[1], other[1])]
    is_icloud = partitions[0] is not None and partitions[1] is not None and partitions[0][1] == partitions[1][1]
    return is_icloud or (other[1].endswith(f".{own[1]}") and not _IS_NUMERIC.fullmatch(own[1]))


def names() -> str:
    return _NAMES


def tag(name: str, content: str = "") -> str:
    """An element of one of our namespaces; the content is XML."""
    space, _, local = name.rpartition("}")
    short = f"{_PREFIXES[space + '}']}:{local}"
    return f"<{short}>{content}</{short}>" if content else f"<{short}/>"


def text(value: str) -> str:
    return escape(value)


def absolute_url(base: str, href: str) -> str:
    """A whole URL, always with the same escapes for the same resource."""
    parts = urlsplit(urljoin(base, href))
    # Segment by segment: an escaped slash is none.
    path = "/".join(quote(unquote_to_bytes(segment), safe="~@:!$&'()*+,;=-._") for segment in parts.path.split("/"))
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def dav_error(answer: ClientResponse) -> ProviderError:
    """Of a status, and of the precondition that its body names."""
    if answer.status in (403, 409, 412, 507) and b"valid-sync-token" in answer.body:
        return ProviderError(ProviderErrorCode.SYNC_EXPIRED, "The server has forgotten what it told us last.")
    return error_of_status(answer)


def parse(body: bytes) -> Element:
    """Raises `ProviderError`. No entities, no document types: what names one is refused."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise ProviderError(ProviderErrorCode.UNAVAILABLE, "The server's answer is not the XML that it should be.", status=207) from error
    return root


def _read(url: str, body: bytes) -> Multistatus:
    try:
        root = parse(body)
    except ProviderError:
        return _mended(url, body)
    return _of_root(url, root)


def _mended(url: str, body: bytes) -> Multistatus:
    """What is no XML, without the characters that make it none; else response by response, so that one takes no other with it.

    One that can't be read is a resource without properties: its event is not known, and is not gone. Raises `ProviderError`.
    """
    text = _DECLARED.sub("", _FORBIDDEN.sub("", body.decode("utf-8-sig", "replace")))
    text = _STRAY.sub("&amp;", _REFERENCE.sub(_allowed, text))
    root = _ROOT.search(text)
    try:
        return _of_root(url, parse(text.encode()))
    except ProviderError:
        if root is None or "<!" in text.replace("<![CDATA[", ""):
            raise
    name = root[0][1:].split()[0].rstrip(">")
    resources: list[DavResource] = []
    begins = [match.start() for match in _RESPONSE.finditer(text)]
    for first, last in zip(begins, [*begins[1:], len(text)], strict=True):
        ends = _RESPONSE_END.search(text, first, last)
        response = text[first : ends.end()] if ends is not None else text[first:last]
        try:
            resources += _of_root(url, parse(f"{root[0]}{response}</{name}>".encode())).resources
        except ProviderError:
            if (href := _HREF.search(response)) is not None:
                resources.append(DavResource(absolute_url(url, href[2].strip()), None, {}))
    token = _TOKEN.search(text)
    return Multistatus(url, resources, token[2] if token is not None else None)


def _allowed(reference: re.Match[str]) -> str:
    number = int(reference[1], 16) if reference[1] else int(reference[2])
    return "" if number > 0x10FFFF or _FORBIDDEN.fullmatch(chr(number)) else reference[0]


def _of_root(url: str, root: Element) -> Multistatus:
    if root.tag != f"{DAV}multistatus":
        raise ProviderError(ProviderErrorCode.UNAVAILABLE, "The server does not answer as CalDAV does.", status=207)
    token = root.find(f"{DAV}sync-token")
    resources = [_resource(url, response) for response in root.findall(f"{DAV}response")]
    return Multistatus(url, [resource for resource in resources if resource is not None], token.text if token is not None else None)


def _resource(base: str, response: Element) -> DavResource | None:
    href = response.find(f"{DAV}href")
    if href is None or not href.text:
        return None
    properties: dict[str, Element] = {}
    for stat in response.findall(f"{DAV}propstat"):
        prop = stat.find(f"{DAV}prop")
        if prop is not None and _status(stat) == 200:
            properties |= {element.tag: element for element in prop}
    return DavResource(absolute_url(base, href.text.strip()), _status(response), properties)


def _status(element: Element) -> int | None:
    status = element.find(f"{DAV}status")
    words = (status.text or "").split() if status is not None else []
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None
