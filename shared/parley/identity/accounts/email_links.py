"""Links in mails: each is good once, for a while, and proves that whoever opens it reads the address.

The secret of a link is derived from the id of its row, so the worker that writes the mail can make it again, and no queue holds it. Nothing
is looked up when a link is asked for: an address without an account costs what one with an account costs. The worker decides what is sent.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from parley.identity.declared import IdentityEvent
from parley.identity.models import VerificationKind, VerificationToken
from parley.kernel.persistence import outbox, transactions
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values import secret_hashes
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Refusal
from parley.kernel.values.ids import new_id
from parley.kernel.values.settings import setting
from parley.notifications.email import suppressions
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import marked as _

LIVES: dict[VerificationKind, timedelta] = {
    VerificationKind.REGISTRATION: timedelta(hours=24),
    VerificationKind.EMAIL: timedelta(hours=24),
    VerificationKind.MAGIC_LINK: timedelta(minutes=30),
    VerificationKind.PASSWORD_RESET: timedelta(hours=1),
    VerificationKind.SECURITY_ALERT: timedelta(days=7),
}

_LINK = "link of a mail"
_LONGEST = 200
# The directory knows persons by the SHA-256 of their address in lower case.
_USED = _("This link was used already or has run out; ask for a new one.")
_FOUND = """
    SELECT t.id, t.kind, t.email, t.wanted, t.user_id, d.user_id, t.sent_at, t.created_at FROM verification_tokens t
    LEFT JOIN directory_entries d ON d.kind = 'email' AND d.key = encode(sha256(convert_to(lower(t.email::text), 'UTF8')), 'hex')
    WHERE t.used_at IS NULL AND t.expires_at > clock_timestamp()
"""


class LinkNotValid(Refusal):
    """The link was used, has run out, or never was one."""

    status = 410


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is for. `owner_id` is the user whose address it is at this moment, `user_id` the one who asked for it, where known."""

    id: UUID
    kind: VerificationKind
    email: str
    wanted: dict[str, Any] | None
    user_id: UUID | None
    owner_id: UUID | None
    sent_at: datetime | None
    created_at: datetime
    digest: str


def ask(session: Session, kind: VerificationKind, email: str, *, wanted: dict[str, Any] | None = None, user_id: UUID | None = None) -> None:
    """Have a link sent to an address. `wanted` is what redeeming it will do: nothing that a stranger may decide for who opens it."""
    row = add(session, kind, email, wanted=wanted, user_id=user_id, at=now())
    outbox.announce(session, IdentityEvent.LINK_CREATED, token_id=row.id, locale=languages.accepted(session.info["caller"].accept_language))


def add(
    session: Session, kind: VerificationKind, email: str, *, at: datetime, user_id: UUID | None, wanted: dict[str, Any] | None = None
) -> VerificationToken:
    """A link that nobody is sent yet."""
    row = VerificationToken(id=new_id(), kind=kind, email=email, wanted=wanted, user_id=user_id, created_at=at, expires_at=at + LIVES[kind])
    row.token_hash = secret_hashes.digest(_LINK, token(row.id))
    session.add(row)
    return row


def token(row_id: UUID) -> str:
    return secret_hashes.derive(_LINK, row_id)


def address(row_id: UUID) -> str:
    """The URL of the page that a link opens."""
    return f"{setting('PUBLIC_URL').rstrip('/')}/links/{token(row_id)}"


def find(secret: str, *kinds: VerificationKind) -> Link:
    """The link with this secret, if it can still be used. One round trip. Raises `LinkNotValid`; also for a link of another kind."""
    link = _found(secret_hashes.digest(_LINK, secret)) if len(secret) <= _LONGEST else None
    if link is None or (kinds and link.kind not in kinds):
        raise LinkNotValid(_USED)
    return link


def of_row(row_id: UUID) -> Link | None:
    """The link of a row, for the worker that sends it; None when it can't be used any more."""
    return _found(secret_hashes.digest(_LINK, token(row_id)))


def _found(digest: str) -> Link | None:
    rows = transactions.lookup_bearing(digest, _FOUND)
    if not rows:
        return None
    row_id, kind, email, wanted, user_id, owner_id, sent_at, created_at = rows[0]
    return Link(row_id, VerificationKind(kind), email, wanted, user_id, owner_id, sent_at, created_at, digest)


def use(session: Session, link: Link) -> datetime:
    """Use it up, in a transaction of who bears it (`transactions.bearing`): of many at once one goes on. Returns when it was asked for.

    Raises `LinkNotValid`.
    """
    fresh = select(VerificationToken.created_at).where(
        VerificationToken.token_hash == link.digest, VerificationToken.used_at.is_(None), VerificationToken.expires_at > now()
    )
    created_at = session.scalar(fresh.with_for_update())
    if created_at is None:
        raise LinkNotValid(_USED)
    execute_later(session, update(VerificationToken).where(VerificationToken.id == link.id).values(used_at=now(), wanted=None))
    if link.email:
        suppressions.release(session, link.email)
    return created_at


def note_old_address(session: Session, email: str) -> UUID:
    """Keep the address of an account that is being deleted until its letter has left. Nothing can be done with the row's link."""
    at = now()
    row = VerificationToken(kind=VerificationKind.EMAIL, email=email, wanted={"old_email": email}, expires_at=at, used_at=at)
    row.token_hash = secret_hashes.digest(_LINK, token(row.id))
    session.add(row)
    return row.id


def old_address(row_id: UUID) -> tuple[str | None, str]:
    """The address that an account had before, until it was told, and the digest that shows the row. One round trip."""
    digest = secret_hashes.digest(_LINK, token(row_id))
    rows = transactions.lookup_bearing(digest, "SELECT wanted ->> 'old_email' FROM verification_tokens")
    return (rows[0][0] if rows else None), digest


def forget_row(session: Session, row_id: UUID) -> None:
    session.execute(delete(VerificationToken).where(VerificationToken.id == row_id))


def forget(session: Session) -> int:
    """Delete what ran out a week ago, in a sweep. Returns how many."""
    old = text("DELETE FROM verification_tokens WHERE expires_at < clock_timestamp() - interval '7 days'")
    return int(session.connection().execute(old).rowcount)


def forget_address(session: Session, email: str) -> None:
    """Delete links to the address of an account that is being deleted, in a sweep: who asks for one by an address is nobody yet, so that no
    policy shows the row to whose address it is."""
    asked_by_nobody = text("DELETE FROM verification_tokens WHERE user_id IS NULL AND email = :email")
    session.connection().execute(asked_by_nobody, {"email": email})


def void_earlier(link: Link) -> None:
    """Of several registrations of one address, the last one's link is good: those that were asked for before it run out."""
    earlier = text(
        "UPDATE verification_tokens t SET expires_at = clock_timestamp() FROM verification_tokens later"
        " WHERE later.id = :id AND t.email = later.email AND t.user_id IS NULL AND t.kind = later.kind"
        " AND t.created_at < later.created_at AND t.used_at IS NULL AND t.expires_at > clock_timestamp()"
    )
    with transactions.sweep() as session:
        session.connection().execute(earlier, {"id": link.id})


def mark_sent(session: Session, link: Link) -> None:
    """Remember that the mail has left."""
    session.execute(update(VerificationToken).where(VerificationToken.id == link.id).values(sent_at=now()))
