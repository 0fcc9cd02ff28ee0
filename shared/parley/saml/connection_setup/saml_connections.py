"""An organization's connection to its identity provider, as its administrators set it up and its owner agrees to it.

Whoever configures an identity provider could come in through it as anybody it names. So what an administrator sets up or changes counts
once the owner has agreed to exactly that; what the owner saves is agreed to at once (the scope `single_sign_on.APPROVE`).
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.declared import IdentityEvent
from parley.identity.models import Organization
from parley.identity.roles import organization_lock
from parley.identity.sessions import single_sign_on
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.persistence.column_encryption import seal
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, NotFound
from parley.saml import queries
from parley.saml.connection_setup import connection_terms
from parley.saml.connection_setup.connection_terms import CHOSEN, ConnectionTerms
from parley.saml.declared import SamlAction
from parley.saml.domain_proof import mail_domains
from parley.saml.models import SamlConnection, SamlDomain
from parley.saml.saml_messages import saml_certificates, saml_endpoints
from parley.saml.schemas import (
    SamlCertificateRead,
    SamlConnectionRead,
    SamlConnectionStatus,
    SamlConnectionWanted,
    SamlDomainRead,
    SamlProposalRead,
)


class NoSuchSamlConnection(NotFound):
    """The organization has no single sign-on."""


class NothingToApprove(Conflict):
    """The owner has agreed to all that there is."""


class ProposalChanged(Conflict):
    """Something else waits for the owner's agreement than was shown to them."""


def save(session: Session, caller: Caller, wanted: SamlConnectionWanted) -> SamlConnection:
    """Make the connection, or change it; its signing key stays the same. Raises `mail_domains.PublicMailDomain` and its like.

    Without the scope to agree, the change waits for the owner: a connection that counts stays as it is until then.
    """
    organization = organization_lock.lock_organization(session)
    connection = queries.connection(session)
    terms, may_agree, is_new = connection_terms.of_request(wanted), caller.may(single_sign_on.APPROVE), connection is None
    if connection is None:
        connection = _founded(session, caller, terms)
    elif may_agree or connection.approved_at is None:
        connection_terms.apply(connection, terms)
    elif terms == connection_terms.of_connection(connection):
        _settle(connection)
        mail_domains.bind(session, connection.domains)
        return connection
    else:
        connection.proposed = terms
    mail_domains.bind(session, connection.domains if may_agree else [*connection.domains, *terms["domains"]])
    if may_agree:
        _agree(session, caller, organization, connection)
    else:
        connection.asked_by, connection.asked_at = caller.person_id, now()
    session.flush()

    changing = SamlAction.SAML_CONNECTION_PROPOSED if connection.proposed else SamlAction.SAML_CONNECTION_UPDATED
    action = SamlAction.SAML_CONNECTION_CREATED if is_new else changing
    changed = {"domains": len(terms["domains"]), "is_enforced": terms["is_enforced"], "default_role": terms["default_role"]}
    audit.record(session, caller, action, connection, new=changed)
    if not may_agree:
        outbox.announce(session, IdentityEvent.SAML_CONNECTION_PROPOSED, connection_id=connection.id)
    return connection


def approve(session: Session, caller: Caller, digest: str) -> SamlConnection:
    """Agree to what waits, named by the digest that GET has shown. Raises `NoSuchSamlConnection`, `NothingToApprove`, `ProposalChanged`."""
    organization = organization_lock.lock_organization(session)
    saml_connection = connection(session)
    waiting = _waiting(saml_connection)
    if waiting is None:
        raise NothingToApprove("Nothing waits for your agreement.")
    if connection_terms.digest(waiting) != digest:
        raise ProposalChanged("What waits was changed since you have seen it; look at it again: GET /v1/saml/connection.")
    connection_terms.apply(saml_connection, waiting)
    mail_domains.bind(session, saml_connection.domains)
    _agree(session, caller, organization, saml_connection)
    audit.record(session, caller, SamlAction.SAML_CONNECTION_APPROVED, saml_connection, new={"digest": digest})
    session.flush()
    return saml_connection


def _waiting(connection: SamlConnection) -> ConnectionTerms | None:
    return connection.proposed if connection.approved_at is not None else connection_terms.of_connection(connection)


def _agree(session: Session, caller: Caller, organization: Organization, connection: SamlConnection) -> None:
    """What the connection says counts from now on."""
    _settle(connection)
    connection.approved_by, connection.approved_at = caller.person_id, now()
    organization.sso_enabled = True
    proven = session.scalars(select(SamlDomain.domain).where(SamlDomain.verified_at.is_not(None))).all()
    single_sign_on.require(session, organization, sorted(set(proven) & set(connection.domains)) if connection.is_enforced else None)


def _settle(connection: SamlConnection) -> None:
    connection.proposed = connection.asked_by = connection.asked_at = None


def _founded(session: Session, caller: Caller, terms: ConnectionTerms) -> SamlConnection:
    private_key, certificate = saml_certificates.make_own(f"Parley {caller.organization_id}")
    connection = SamlConnection(signing_certificate=certificate)
    connection_terms.apply(connection, terms)
    session.add(connection)
    with session.no_autoflush:
        seal(session, connection, SamlConnection.signing_key, private_key)
    return connection


def connection(session: Session) -> SamlConnection:
    """Raises `NoSuchSamlConnection`."""
    saml_connection = queries.connection(session)
    if saml_connection is None:
        raise NoSuchSamlConnection("There is no single sign-on here; PUT /v1/saml/connection sets it up.")
    return saml_connection


def remove(session: Session, caller: Caller) -> None:
    """Give up single sign-on: its domains are free, members come in by other ways. Raises `NoSuchSamlConnection`, `MissingScope` for one
    that the owner enforces: nobody else lets people in by other ways.
    """
    organization = organization_lock.lock_organization(session)
    saml_connection = connection(session)
    if organization.sso_domains is not None:
        caller.require(single_sign_on.APPROVE)

    mail_domains.bind(session, [])
    organization.sso_enabled = False
    single_sign_on.require(session, organization, None)
    session.delete(saml_connection)

    audit.record(session, caller, SamlAction.SAML_CONNECTION_DELETED, saml_connection)


def shown(saml_connection: SamlConnection, proofs: list[SamlDomainRead]) -> SamlConnectionRead:
    """The connection with the addresses that its identity provider has to be told. Our private key is not in it."""
    where = saml_connection.organization_id
    return SamlConnectionRead(
        status=SamlConnectionStatus.ACTIVE if saml_connection.approved_at is not None else SamlConnectionStatus.AWAITING_OWNER,
        awaiting=_proposal(saml_connection),
        domain_proofs=proofs,
        sp_entity_id=saml_endpoints.entity_id(where),
        acs_url=saml_endpoints.acs(where),
        metadata_url=saml_endpoints.entity_id(where),
        login_url=saml_endpoints.log_in(where),
        idp_certificates=_certificates(saml_connection.certificates),
        **{
            name: getattr(saml_connection, name)
            for name in ("id", "idp_entity_id", "idp_sso_url", "domains", "created_at", "updated_at", *CHOSEN)
        },
    )


def _proposal(saml_connection: SamlConnection) -> SamlProposalRead | None:
    waiting = _waiting(saml_connection)
    if waiting is None:
        return None
    same = {name: waiting[name] for name in ("idp_entity_id", "idp_sso_url", "domains", *CHOSEN)}
    request = {"asked_by": saml_connection.asked_by, "asked_at": saml_connection.asked_at, "digest": connection_terms.digest(waiting)}
    return SamlProposalRead.model_validate(same | request | {"idp_certificates": _certificates(waiting["certificates"])})


def _certificates(stored: list[str]) -> list[SamlCertificateRead]:
    return [
        SamlCertificateRead(
            sha256_fingerprint=saml_certificates.fingerprint(certificate), expires_at=saml_certificates.expires_at(certificate)
        )
        for certificate in stored
    ]
