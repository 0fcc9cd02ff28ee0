"""What DNS says of a domain at this moment: whether the record stands there that proves who speaks for it.

Asked of the resolver that the machine has (in a VPC, Amazon's, which needs no way out of it), or of the one that DNS_RESOLVER names. A
resolver of its own for each question: nothing is cached, and nothing of one organization's domain outlives its look.
"""

from enum import StrEnum

from parley.kernel.values.settings import setting

LABEL = "_parley-challenge"
_PREFIX = "parley-domain-verification="
_SECONDS = 4.0


class DnsLookup(StrEnum):
    SEEN = "SEEN"  # the record is there
    MISSING = "MISSING"  # DNS says that it is not
    UNANSWERED = "UNANSWERED"  # nobody said anything


def name_of(domain: str) -> str:
    """Where the record stands."""
    return f"{LABEL}.{domain}"


def value_of(token: str) -> str:
    """What it says."""
    return f"{_PREFIX}{token}"


def look_up(domain: str, token: str) -> DnsLookup:
    """Ask, for at most four seconds. Other records beside it are no matter."""
    from dns.exception import DNSException
    from dns.name import EmptyLabel, LabelTooLong, NameTooLong
    from dns.resolver import NXDOMAIN, YXDOMAIN, NoAnswer, Resolver

    address = setting("DNS_RESOLVER", "")
    resolver = Resolver(configure=not address)
    if address:
        host, _, port = address.rpartition(":")
        resolver.nameservers, resolver.port = [host.strip("[]")], int(port)
    try:
        answer = resolver.resolve(f"{name_of(domain)}.", "TXT", lifetime=_SECONDS, search=False)
    except (NXDOMAIN, YXDOMAIN, NoAnswer, NameTooLong, LabelTooLong, EmptyLabel):
        return DnsLookup.MISSING
    except (DNSException, OSError):
        return DnsLookup.UNANSWERED
    wanted = value_of(token).encode()
    return DnsLookup.SEEN if any(b"".join(record.strings).strip() == wanted for record in answer) else DnsLookup.MISSING
