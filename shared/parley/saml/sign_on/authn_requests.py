"""Log-ins that begin with us: a signed request to the identity provider, and a cookie that binds the answer to the browser that asked."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from parley.kernel.persistence.column_encryption import unseal
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.values import secret_hashes
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Unprocessable
from parley.saml import queries
from parley.saml.models import SamlConnection, SamlRequest
from parley.saml.queries import AwaitsOwner, NoSuchLogin
from parley.saml.saml_messages import saml_certificates, saml_endpoints, sp_documents

LIFE = timedelta(minutes=15)


class BadReturn(Unprocessable):
    """Where the browser shall go afterwards is not a path of ours."""


def cookie_name(request_id: UUID) -> str:
    """One for each request, so that two tabs don't disturb each other. The prefix keeps other hosts of the domain from setting it."""
    return f"__Host-parley-saml-{request_id.hex}"


def cookie(request_id: UUID) -> str:
    """What the browser that began a request shows of it. Derived, so that nothing is kept of it."""
    return secret_hashes.derive("saml browser", request_id)


def begin(session: Session, return_to: str | None) -> tuple[SamlRequest, str]:
    """A new request of the session's organization, and the address to send the browser to.

    Raises `NoSuchLogin`, `AwaitsOwner`, `BadReturn`.
    """
    if return_to is not None and not saml_endpoints.is_path(return_to):
        raise BadReturn("return_to must be a path on this host, like /welcome.")
    connection = queries.connection(session)
    if connection is None:
        raise NoSuchLogin("This organization has no single sign-on.")
    if connection.approved_at is None:
        raise AwaitsOwner

    moment = now()
    execute_later(session, delete(SamlRequest).where(SamlRequest.expires_at < moment))
    request = SamlRequest(return_to=return_to, expires_at=moment + LIFE)
    session.add(request)
    private_key = unseal(session, connection, SamlConnection.signing_key)
    message = sp_documents.authn_request(
        request.id, connection.organization_id, connection.idp_sso_url, connection.name_id_format.value, moment
    )
    url = sp_documents.redirect(
        connection.idp_sso_url, message, str(request.id), lambda signed: saml_certificates.sign(private_key, signed)
    )
    return request, url
