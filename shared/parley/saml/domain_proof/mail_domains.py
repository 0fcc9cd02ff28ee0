"""Mail domains that an organization's identity provider speaks for, once the organization has proven in DNS that they are its own.

Anybody may claim a domain, several may claim the same: a claim that is not proven leads nobody anywhere and blocks nobody. A proven one
is in the directory, which knows each domain once, and ends what others claim. It is looked at again every day, and goes back to unproven
when DNS has said for days that the record is gone, not because a name server was silent.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from parley.identity.declared import IdentityDirectory, IdentityEvent
from parley.identity.models import Organization
from parley.identity.sessions import single_sign_on
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import directory, outbox
from parley.kernel.persistence.directory import DirectoryEntry
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, NotFound, Unprocessable
from parley.saml.declared import SamlAction
from parley.saml.domain_proof import dns_records
from parley.saml.domain_proof.dns_records import DnsLookup
from parley.saml.domain_proof.public_mail_domains import PUBLIC
from parley.saml.models import SamlConnection, SamlDomain
from parley.saml.schemas import SamlDomainRead, SamlDomainStatus

RHYTHM = timedelta(days=1)
AGAIN = timedelta(hours=6)
"""After a look that has not seen the record."""
ENOUGH_MISSES, LONG_ENOUGH = 5, timedelta(days=3)
"""That many looks in a row, over that long, must have been told that there is no record before the domain is unproven."""
SILENT_FOR = timedelta(days=30)
"""So long may name servers give no answer at all."""


class NoSuchDomain(NotFound):
    """The connection does not name it."""


class DomainTaken(Conflict):
    """Another organization has proven the domain."""


class DomainNotProven(Conflict):
    """DNS does not say what it should."""


class NameServersSilent(Conflict):
    """DNS did not answer."""


class PublicMailDomain(Unprocessable):
    """Anybody can have an address there."""


@dataclass(frozen=True, slots=True)
class DomainClaim:
    """What is to be looked up."""

    organization_id: UUID
    id: UUID
    domain: str
    token: str


def of_address(email: str) -> str:
    """The domain of an address, in lower case."""
    return email.strip().rpartition("@")[2].lower()


def bind(session: Session, wanted: list[str]) -> None:
    """Claim the domains that are new, give back those that are gone. Raises `PublicMailDomain`."""
    rows = {row.domain: row for row in session.scalars(select(SamlDomain))}
    new = [domain for domain in dict.fromkeys(wanted) if domain not in rows]
    if public := [domain for domain in new if domain in PUBLIC]:
        raise PublicMailDomain(f"Anybody can have an address at {public[0]}; bind a domain of your own.", domain=public[0])
    for domain in rows.keys() - set(wanted):
        directory.leave(session, IdentityDirectory.SAML_DOMAIN, domain)
        session.delete(rows[domain])
    session.add_all(SamlDomain(domain=domain, token=secrets.token_urlsafe(24)) for domain in new)
    session.flush()


def claimed(session: Session) -> list[SamlDomainRead]:
    """The organization's domains, with what DNS has to say for each. One query."""
    entry = select(DirectoryEntry.organization_id).where(
        DirectoryEntry.kind == IdentityDirectory.SAML_DOMAIN, DirectoryEntry.key == SamlDomain.domain
    )
    rows = session.execute(select(SamlDomain, entry.scalar_subquery()).order_by(SamlDomain.domain)).all()
    return [read(row, holder) for row, holder in rows]


def read(row: SamlDomain, holder: UUID | None) -> SamlDomainRead:
    """`holder` is the organization that has proven the domain."""
    status = SamlDomainStatus.UNPROVEN
    if row.verified_at is not None:
        status = SamlDomainStatus.PROVEN
    elif holder is not None and holder != row.organization_id:
        status = SamlDomainStatus.TAKEN
    return SamlDomainRead(
        domain=row.domain,
        status=status,
        record_type="TXT",
        record_name=dns_records.name_of(row.domain),
        record_value=dns_records.value_of(row.token),
        verified_at=row.verified_at,
        checked_at=row.checked_at,
    )


def to_look_up(session: Session, domain: str) -> DomainClaim:
    """Raises `NoSuchDomain`; for one in a connection that the owner has not agreed to, too."""
    wanted = select(SamlDomain).join(SamlConnection, SamlConnection.organization_id == SamlDomain.organization_id)
    is_agreed = SamlConnection.approved_at.is_not(None) & func.jsonb_exists(SamlConnection.domains, domain)
    row = session.scalar(wanted.where(SamlDomain.domain == domain, is_agreed))
    if row is None:
        raise NoSuchDomain("The connection does not name this domain, or the owner has not agreed to it yet.")
    return DomainClaim(row.organization_id, row.id, row.domain, row.token)


def settle(session: Session, caller: Caller, claim: DomainClaim, look: DnsLookup) -> SamlDomain | None:
    """Write down what DNS said, in a transaction of the organization. None when the claim is gone meanwhile. Raises `DomainTaken`."""
    row = session.scalar(select(SamlDomain).where(SamlDomain.id == claim.id, SamlDomain.token == claim.token).with_for_update())
    if row is None:
        return None
    moment = now()
    row.checked_at = moment
    row.next_check_at = moment + (RHYTHM if look is DnsLookup.SEEN else AGAIN)
    if look is DnsLookup.SEEN:
        _seen(session, caller, row, moment)
    elif look is DnsLookup.MISSING:
        row.misses, row.missed_since = row.misses + 1, row.missed_since or moment
    if row.verified_at is None:
        row.next_check_at = None  # looked up when somebody asks for it
    elif _is_over(row, look, moment):
        _lose(session, caller, row)
    session.flush()
    return row


def _seen(session: Session, caller: Caller, row: SamlDomain, moment: datetime) -> None:
    row.seen_at, row.misses, row.missed_since = moment, 0, None
    if row.verified_at is not None:
        return
    row.verified_at = moment
    directory.enter(session, IdentityDirectory.SAML_DOMAIN, row.domain)
    taken = DomainTaken("Another organization has proven this domain; remove its record from DNS, and ask again in some days.")
    with violation_means(directory.UNIQUE, taken):
        session.flush()
    organization = session.scalar(select(Organization).where(Organization.id == row.organization_id))
    if organization is not None and organization.sso_domains is not None:
        single_sign_on.require(session, organization, [*organization.sso_domains, row.domain])
    audit.record(session, caller, SamlAction.SAML_DOMAIN_VERIFIED, row)


def _is_over(row: SamlDomain, look: DnsLookup, moment: datetime) -> bool:
    is_missing = (
        look is DnsLookup.MISSING
        and row.misses >= ENOUGH_MISSES
        and row.missed_since is not None
        and row.missed_since <= moment - LONG_ENOUGH
    )
    return is_missing or (row.seen_at is not None and row.seen_at <= moment - SILENT_FOR)


def _lose(session: Session, caller: Caller, row: SamlDomain) -> None:
    row.verified_at = row.next_check_at = row.missed_since = None
    row.misses = 0
    directory.leave(session, IdentityDirectory.SAML_DOMAIN, row.domain)
    audit.record(session, caller, SamlAction.SAML_DOMAIN_LOST, row)
    outbox.announce(session, IdentityEvent.SAML_DOMAIN_LOST, domain=row.domain)


def due(session: Session, at_most: int) -> list[DomainClaim]:
    """Proven domains whose time has come, in a sweep; they are put off, so that the next sweep leaves them alone if this one breaks off."""
    wanted = (
        select(SamlDomain.organization_id, SamlDomain.id)
        .where(SamlDomain.next_check_at <= now())
        .order_by(SamlDomain.next_check_at)
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    keys = [row.id for row in session.execute(wanted)]
    taken = update(SamlDomain).where(SamlDomain.id.in_(keys)).values(next_check_at=now() + AGAIN).returning(SamlDomain)
    rows = session.scalars(taken, execution_options={"synchronize_session": False}).all() if keys else ()
    return [DomainClaim(row.organization_id, row.id, row.domain, row.token) for row in rows]


def answer(row: SamlDomain | None, look: DnsLookup) -> SamlDomainRead:
    """What a look has led to. Raises `NoSuchDomain`, `DomainNotProven`, `NameServersSilent`."""
    if row is None:
        raise NoSuchDomain("The connection does not name this domain any more.")
    name, value = dns_records.name_of(row.domain), dns_records.value_of(row.token)
    if look is DnsLookup.UNANSWERED:
        raise NameServersSilent(f"No name server answered for {name}; try again in some minutes.")
    if look is DnsLookup.MISSING:
        raise DomainNotProven(f"DNS has no TXT record {name} that says {value}; a new one may take an hour to be seen.")
    return read(row, row.organization_id)
