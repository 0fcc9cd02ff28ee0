"""Whether an address or a number has agreed to an organization's messages. Before it has, nothing is sent to it but the question, once.

Members whose address is proven need no agreement. A link is derived from its row: it names the organization, so that it is looked up where
it belongs, and works for as long as the row is there, for saying yes and for stopping.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parley.identity.models import Organization, OrganizationMember, User
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.values import secret_hashes
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, NotFound
from parley.kernel.values.ids import new_id
from parley.kernel.values.settings import setting
from parley.notifications.email import suppressions
from parley.notifications.enums import NotificationChannel, RecipientKind
from parley.notifications.limits import outreach, quotas
from parley.notifications.limits.quotas import MailKind
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import Words
from parley.notifications.localization.catalogues import marked as _
from parley.scheduling.declared import SchedulingAction, SchedulingEvent
from parley.scheduling.tables.enums import AgreementStatus
from parley.scheduling.tables.workflow_models import AddressAgreement

NOT_AGREED = "not_agreed"
_PURPOSE = "address agreement"
_ID = 22
_LENGTH = 2 * _ID + 43
_KINDS = {NotificationChannel.EMAIL: MailKind.ADDRESS_AGREEMENT, NotificationChannel.SMS: MailKind.NUMBER_AGREEMENT}


class NoSuchAgreement(NotFound):
    """The link was never one, or belongs to nothing any more."""

    def __init__(self) -> None:
        super().__init__(_("This link is not known here."))


class AddressNotAgreed(Conflict):
    """The address or number has not agreed to messages of this organization."""


def ask(session: Session, caller: Caller, channel: NotificationChannel, addresses: Iterable[str]) -> None:
    """Have those asked that were not asked before; each once. In the transaction that names them. Raises `RateLimitExceeded`."""
    wanted = {address.lower(): address for address in addresses}
    if not wanted:
        return
    organization = session.scalars(select(Organization).where(Organization.id == caller.organization_id)).one()
    query = select(AddressAgreement.address).where(AddressAgreement.channel == channel, AddressAgreement.address.in_(wanted))
    for address in sorted(set(wanted) - set(session.scalars(query)) - proven_addresses(session, wanted)):
        row = {"id": new_id(), "channel": channel, "address": address, "status": AgreementStatus.PENDING, "asked_at": now()}
        fresh = insert(AddressAgreement).values(organization_id=organization.id, **row).on_conflict_do_nothing()
        if session.execute(fresh.returning(AddressAgreement.id)).one_or_none() is None:
            continue
        quotas.spend(session, _KINDS[channel], address, *outreach.spending(organization, caller))
        outbox.announce(session, SchedulingEvent.ADDRESS_ASKED, agreement_id=row["id"])


def proven_addresses(session: Session, addresses: Iterable[str]) -> set[str]:
    """Which of these are proven addresses of active members, in small letters. One query."""
    active = select(func.lower(User.email)).join(OrganizationMember, OrganizationMember.user_id == User.id)
    query = active.where(
        OrganizationMember.organization_id == session.info["caller"].organization_id,
        OrganizationMember.deactivated_at.is_(None),
        User.email_verified_at.is_not(None),
        User.email.in_(list(addresses)),
    )
    return {email for email in session.scalars(query) if email is not None}


def has_agreed(session: Session, channel: NotificationChannel, address: str) -> bool:
    """Whether messages of workflows may go there now. One query, or two for a member's."""
    status = session.scalar(
        select(AddressAgreement.status).where(AddressAgreement.channel == channel, AddressAgreement.address == address.lower())
    )
    if status is not None:
        return status is AgreementStatus.AGREED
    return channel is NotificationChannel.EMAIL and bool(proven_addresses(session, [address.lower()]))


def statuses(session: Session, channel: NotificationChannel, addresses: Iterable[str]) -> dict[str, AgreementStatus]:
    """Of addresses that were asked, in small letters. One query."""
    rows = select(AddressAgreement.address, AddressAgreement.status).where(
        AddressAgreement.channel == channel, AddressAgreement.address.in_([address.lower() for address in addresses])
    )
    return {row.address: row.status for row in session.execute(rows)}


def token(row: AddressAgreement) -> str:
    named = "".join(base64.urlsafe_b64encode(id_.bytes).rstrip(b"=").decode() for id_ in (row.organization_id, row.id))
    return named + secret_hashes.derive(_PURPOSE, row.organization_id, row.id)


def link(row: AddressAgreement) -> str:
    """Where the address says yes, or stops. It is a secret of who reads the address."""
    return f"{setting('PUBLIC_URL').rstrip('/')}/agreements/{token(row)}"


def with_stop_link(session: Session, channel: NotificationChannel, kind: RecipientKind, address: str, text: str, locale: str) -> str:
    """A mail's text with the link that stops them, for an address that agreed. A text has none: it is in the question that came before."""
    if kind is not RecipientKind.ADDRESS or channel is not NotificationChannel.EMAIL:
        return text
    query = select(AddressAgreement).where(AddressAgreement.channel == channel, AddressAgreement.address == address.lower())
    row = session.scalars(query).one_or_none()
    if row is None:
        return text
    stop = Words("scheduling", locale)("You agreed to these messages. Stop them: %(link)s", link=link(row))
    return f"{text}\n\n{stop}"


def ids_of(secret: str) -> tuple[UUID, UUID]:
    """Organization and row that a link names; whether it is theirs, `find` says. Raises `NoSuchAgreement`."""
    try:
        if len(secret) == _LENGTH and secret.isascii():
            first, second = (
                UUID(bytes=base64.b64decode(f"{part}==", altchars=b"-_", validate=True)) for part in (secret[:_ID], secret[_ID : 2 * _ID])
            )
            return first, second
    except (ValueError, binascii.Error):
        pass
    raise NoSuchAgreement


def find(session: Session, secret: str) -> tuple[AddressAgreement, str]:
    """The agreement of a link, locked, and its organization's name. Raises `NoSuchAgreement`."""
    _, row_id = ids_of(secret)
    row = session.execute(
        select(AddressAgreement, Organization.name)
        .join(Organization, Organization.id == AddressAgreement.organization_id)
        .where(AddressAgreement.id == row_id)
        .with_for_update(of=AddressAgreement)
    ).one_or_none()
    if row is None or not hmac.compare_digest(token(row[0]), secret):
        raise NoSuchAgreement
    return row[0], row[1]


def decide(session: Session, caller: Caller, secret: str, *, agrees: bool) -> tuple[AddressAgreement, str]:
    """Say yes, or stop; as often as one likes. Raises `NoSuchAgreement`."""
    row, name = find(session, secret)
    status = AgreementStatus.AGREED if agrees else AgreementStatus.STOPPED
    if row.status is not status:
        row.status, row.decided_at = status, now()
        if agrees and row.channel is NotificationChannel.EMAIL:
            suppressions.release(session, row.address)
        action = SchedulingAction.ADDRESS_AGREEMENT_AGREED if agrees else SchedulingAction.ADDRESS_AGREEMENT_STOPPED
        audit.record(session, caller, action, row)
    return row, name


def question(session: Session, agreement_id: UUID) -> tuple[AddressAgreement, str, str] | None:
    """One that is still to be asked, its organization's name, and its locale. None when it was, or nothing is asked any more."""
    row = session.execute(
        select(AddressAgreement, Organization.name, Organization.locale)
        .join(Organization, Organization.id == AddressAgreement.organization_id)
        .where(
            AddressAgreement.id == agreement_id,
            AddressAgreement.status == AgreementStatus.PENDING,
            AddressAgreement.mailed_at.is_(None),
            Organization.deleted_at.is_(None),
        )
    ).one_or_none()
    return (row[0], row[1], languages.chosen(row[2])) if row is not None else None


def note_asked(session: Session, agreement_id: UUID) -> None:
    """The question has left, or may have as often as it may."""
    session.execute(update(AddressAgreement).where(AddressAgreement.id == agreement_id).values(mailed_at=now()))
