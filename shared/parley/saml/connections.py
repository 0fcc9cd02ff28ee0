"""An organization's connection to its identity provider, as its administrators set it up."""

from sqlalchemy.orm import Session

from parley.identity import seats
from parley.identity.models import Organization
from parley.kernel import audit
from parley.kernel.callers import Caller
from parley.kernel.errors import NotFound
from parley.kernel.sealed import seal
from parley.saml import addresses, certificates, domains, queries
from parley.saml.models import SamlConnection
from parley.saml.schemas import SamlCertificateRead, SamlConnectionRead, SamlConnectionWanted

_CHOSEN = (
    "default_role",
    "name_id_format",
    "email_attribute",
    "name_attribute",
    "role_attribute",
    "is_enforced",
    "is_idp_initiated_allowed",
)


class NoSuchConnection(NotFound):
    """The organization has no single sign-on."""


def save(session: Session, caller: Caller, wanted: SamlConnectionWanted) -> SamlConnection:
    """Make the connection, or change it; its signing key stays the same. Raises `domains.DomainTaken` and its like."""
    organization = seats.lock(session)
    connection = queries.connection(session)
    is_new = connection is None
    before = [] if connection is None else connection.domains
    wanted_domains = list(dict.fromkeys(wanted.domains))
    domains.bind(session, caller, before, wanted_domains)

    if connection is None:
        connection = _founded(session, caller)
    _take_provider(connection, wanted)
    connection.domains = wanted_domains
    for name in _CHOSEN:
        setattr(connection, name, getattr(wanted, name))
    _show(organization, connection)
    session.flush()

    changed = {"domains": len(wanted_domains), "is_enforced": wanted.is_enforced, "default_role": wanted.default_role.value}
    audit.record(session, caller, f"saml_connection.{'created' if is_new else 'updated'}", connection, new=changed)
    return connection


def _founded(session: Session, caller: Caller) -> SamlConnection:
    private_key, certificate = certificates.make_own(f"Parley {caller.organization_id}")
    connection = SamlConnection(signing_certificate=certificate)
    session.add(connection)
    with session.no_autoflush:
        seal(session, connection, "signing_key", private_key)
    return connection


def _take_provider(connection: SamlConnection, wanted: SamlConnectionWanted) -> None:
    if wanted.idp_metadata is not None:
        from parley.saml import metadata

        provider = metadata.read(wanted.idp_metadata)
        connection.idp_entity_id, connection.idp_sso_url = provider.entity_id, provider.sso_url
        connection.certificates = provider.certificates
    else:
        assert wanted.idp_entity_id is not None
        assert wanted.idp_sso_url is not None
        connection.idp_entity_id, connection.idp_sso_url = wanted.idp_entity_id, wanted.idp_sso_url
        connection.certificates = list(dict.fromkeys(certificates.read(written) for written in wanted.idp_certificates or []))


def _show(organization: Organization, connection: SamlConnection | None) -> None:
    """What the rest of identity knows of single sign-on, in the organization's row."""
    organization.sso_enabled = connection is not None
    organization.sso_domains = connection.domains if connection is not None and connection.is_enforced else None


def connection(session: Session, caller: Caller) -> SamlConnection:
    """Raises `NoSuchConnection`."""
    found = queries.connection(session)
    if found is None:
        raise NoSuchConnection("There is no single sign-on here; PUT /v1/saml/connection sets it up.")
    return found


def remove(session: Session, caller: Caller) -> None:
    """Give up single sign-on: its domains are free, members come in by other ways. Raises `NoSuchConnection`."""
    organization = seats.lock(session)
    found = connection(session, caller)

    domains.bind(session, caller, found.domains, [])
    _show(organization, None)
    session.delete(found)

    audit.record(session, caller, "saml_connection.deleted", found)


def shown(found: SamlConnection) -> SamlConnectionRead:
    """The connection with the addresses that its identity provider has to be told. Our private key is not in it."""
    where = found.organization_id
    return SamlConnectionRead(
        sp_entity_id=addresses.entity_id(where),
        acs_url=addresses.acs(where),
        metadata_url=addresses.entity_id(where),
        login_url=addresses.log_in(where),
        idp_certificates=[
            SamlCertificateRead(sha256_fingerprint=certificates.fingerprint(one), expires_at=certificates.expires_at(one))
            for one in found.certificates
        ],
        **{name: getattr(found, name) for name in ("id", "idp_entity_id", "idp_sso_url", "domains", "created_at", "updated_at", *_CHOSEN)},
    )
