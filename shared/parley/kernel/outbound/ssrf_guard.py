"""Which addresses of the internet our requests to customers' addresses may go to: public unicast ones, and nothing else.

Sources: IANA's registries of special-purpose IPv4 and IPv6 addresses (RFC 6890), RFC 6598, 3056, 6052, 9637, 9602.
"""

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from threading import Thread

from parley.kernel.values.errors import Unprocessable
from parley.kernel.values.settings import setting

Address = IPv4Address | IPv6Address

_REFUSED_V4 = [
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
]  # fmt: skip
# All that is given out to networks. What carries an IPv4 address inside (mapped, NAT64, Teredo, 6to4) lies outside, or is taken out.
_GLOBAL_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = [IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")]
_LOOPBACK_V4, _LOOPBACK_V6 = IPv4Network("127.0.0.0/8"), IPv6Address("::1")
# Names that mean this machine or its network, whatever a resolver says.
_INNER_NAMES = re.compile(r"(^|\.)(localhost|local|internal|intranet|lan|home|corp|private|localdomain|arpa|onion)$")
_LOOKS_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)$")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


class AddressRefused(Unprocessable):
    """We do not send requests there: it is no public address."""


class NameNotResolved(Unprocessable):
    """The name has no address, or its servers did not say in time. `is_temporary`: asking again may help."""

    def __init__(self, detail: str, *, is_temporary: bool) -> None:
        super().__init__(detail)
        self.is_temporary = is_temporary


def allows_loopback() -> bool:
    """Whether requests may go to this machine itself: in the local stack alone. The template has no such environment."""
    return setting("PARLEY_ENVIRONMENT", "") == "local"


def is_public(address: Address) -> bool:
    """Whether it is a public unicast address."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _REFUSED_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _REFUSED_V6)


def check_address(address: Address) -> None:
    """Raises `AddressRefused` unless requests may go there."""
    is_loopback = address in _LOOPBACK_V4 if isinstance(address, IPv4Address) else address == _LOOPBACK_V6
    if not (is_public(address) or (is_loopback and allows_loopback())):
        raise AddressRefused("This address is not on the public internet; we send requests to public addresses only.")


def normalized(host: str) -> str:
    """A host name in the form that is asked for and shown to the other side: ASCII, lower case, without the final dot.

    An IP address is checked, and stays. Raises `AddressRefused` for inner names, and for addresses in forms that only some read as such
    (decimal, octal, hexadecimal, fewer than four parts).
    """
    refusal = AddressRefused("This is not the name of a host on the public internet.")
    if ":" in host:
        try:
            address = ip_address(host)
        except ValueError:
            raise refusal from None
        if getattr(address, "scope_id", None):
            raise refusal
        check_address(address)
        return str(address)
    try:
        name = (host if host.isascii() else _ascii(host)).lower().removesuffix(".")
    except UnicodeError:
        raise refusal from None
    labels = name.split(".")
    if _LOOKS_NUMERIC.fullmatch(labels[-1]):
        try:
            check_address(IPv4Address(name))
        except ValueError:
            raise refusal from None
        return name
    if name == "localhost" and allows_loopback():
        return name
    if len(labels) < 2 or len(name) > 253 or _INNER_NAMES.search(name) or not all(_LABEL.fullmatch(label) for label in labels):
        raise refusal
    return name


def _ascii(host: str) -> str:
    """As browsers read it (UTS 46, not transitional; IDNA 2008): `faß.de` is not `fass.de`, which belongs to others.

    Raises `UnicodeError` for what is no name: symbols, and characters that IDNA 2008 has not.
    """
    import idna  # few hosts are written so, and its tables are large

    return idna.encode(host, uts46=True, transitional=False).decode()


def resolve(host: str, port: int, seconds: float) -> list[Address]:
    """The addresses of a `normalized` host, every one of them checked. Raises `AddressRefused` if one is not public, `NameNotResolved`."""
    address_texts: list[str] = []
    failures: list[OSError] = []

    def ask() -> None:
        try:
            address_texts.extend(str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            failures.append(error)
        except UnicodeError:
            failures.append(socket.gaierror(socket.EAI_NONAME, "not a name"))

    # The C library keeps its own time. Who does not answer in ours is left behind.
    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    addresses = [ip_address(text.partition("%")[0]) for text in dict.fromkeys(address_texts)]
    if not addresses:
        is_temporary = not failures or failures[0].errno == socket.EAI_AGAIN
        raise NameNotResolved("This name has no address at the moment; check it, or try again.", is_temporary=is_temporary)
    for address in addresses:
        check_address(address)
    return addresses
