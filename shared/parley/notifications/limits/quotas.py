"""One budget for every mail that somebody can have sent to an address that is not theirs: by kind, so that no kind eats another's.

A kind has so many mails a day for one mailbox, whoever asks and however the address is spelled. A request of somebody without an account is
counted for their network too; a device that was logged in to the address's account (`devices`) has a share of its own, so strangers never
keep a person's links from them.
What a member causes is counted for their organization besides (`outreach`).
"""

from enum import StrEnum

from sqlalchemy.orm import Session

from parley.kernel.access import device_tokens
from parley.kernel.access.admission import RateLimitExceeded
from parley.kernel.access.callers import Caller
from parley.kernel.access.rate_limits import RateLimit, Spending
from parley.kernel.persistence import rate_limit_buckets, transactions

DAY = 24 * 60 * 60


class MailKind(StrEnum):
    """What a mail is for. The number beside a kind in `A_DAY` is how many reach one address in a row, and as many again within a day."""

    REGISTRATION = "REGISTRATION"
    MAGIC_LINK = "MAGIC_LINK"
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105  # a word
    EMAIL_CHANGE = "EMAIL_CHANGE"
    INVITATION = "INVITATION"
    ADDRESS_AGREEMENT = "ADDRESS_AGREEMENT"
    NUMBER_AGREEMENT = "NUMBER_AGREEMENT"
    BOOKING = "BOOKING"


A_DAY: dict[MailKind, int] = {
    MailKind.REGISTRATION: 3,
    MailKind.MAGIC_LINK: 5,
    MailKind.PASSWORD_RESET: 4,
    MailKind.EMAIL_CHANGE: 3,
    MailKind.INVITATION: 5,
    MailKind.ADDRESS_AGREEMENT: 3,
    MailKind.NUMBER_AGREEMENT: 2,
    MailKind.BOOKING: 10,
}
_LIMITS = {
    kind: RateLimit(f"mails_{kind.value.lower()}", f"mails of this kind to this address ({kind.value})", most, DAY)
    for kind, most in A_DAY.items()
}
NETWORK = RateLimit("mails_from_network", "mails asked for from this network", 200, 60 * 60)


def mailbox(address: str) -> str:
    """Where mail to an address arrives, as far as that can be told: without what stands behind a `+` (RFC 5233), and Google's without full
    stops. Who invents such variants writes to one person; for who owns them, at most, a code is asked earlier."""
    name, _, domain = address.strip().lower().rpartition("@")
    name = name.strip('"').partition("+")[0] or name
    if domain in ("gmail.com", "googlemail.com"):
        name, domain = name.replace(".", ""), "gmail.com"
    return f"{name}@{domain}"


def to_address(kind: MailKind, address: str, *more: object) -> Spending:
    """One more of a kind to an address; with `more`, of whom the count is, as an organization's."""
    return _LIMITS[kind].of_person(mailbox(address), *more)


def may_send(kind: MailKind, address: str, caller: Caller) -> bool:
    """Count one that somebody without an account asks for, in one round trip; False when the address gets no more of the kind for now.

    Then nothing is sent, and the answer is the same. Raises `RateLimitExceeded` for the network alone.
    """
    device = device_tokens.verified_name(caller.device_token, address)
    try:
        transactions.spend(to_address(kind, address, *([device] if device else [])), *NETWORK.of_networks(caller.ip_address))
    except RateLimitExceeded as refusal:
        if refusal.extensions.get("limit") == NETWORK.name:
            raise
        return False
    return True


def spend(session: Session, kind: MailKind, address: str, *more: Spending) -> None:
    """Count one that a member causes, with what else it counts for, in their transaction. Raises `RateLimitExceeded`."""
    rate_limit_buckets.spend_within(session, to_address(kind, address), *more)
