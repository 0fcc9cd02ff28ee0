"""Log-ins that begin with us: a signed request to the identity provider, and a cookie that binds the answer to the browser that asked."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from parley.kernel import keyed
from parley.kernel.clock import now
from parley.kernel.errors import Unprocessable
from parley.kernel.gather import later
from parley.kernel.sealed import unseal
from parley.saml import addresses, certificates, documents, queries
from parley.saml.models import SamlRequest
from parley.saml.queries import AwaitsOwner, NoSuchLogin

LIFE = timedelta(minutes=15)


class BadReturn(Unprocessable):
    """Where the browser shall go afterwards is not a path of ours."""


def cookie_name(request_id: UUID) -> str:
    """One for each request, so that two tabs don't disturb each other. The prefix keeps other hosts of the domain from setting it."""
    return f"__Host-parley-saml-{request_id.hex}"


def cookie(request_id: UUID) -> str:
    """What the browser that began a request shows of it. Derived, so that nothing is kept of it."""
    return keyed.derive("saml browser", request_id)


def begin(session: Session, return_to: str | None) -> tuple[SamlRequest, str]:
    """A new request of the session's organization, and the address to send the browser to.

    Raises `NoSuchLogin`, `AwaitsOwner`, `BadReturn`.
    """
    if return_to is not None and not addresses.is_path(return_to):
        raise BadReturn("return_to must be a path on this host, like /welcome.")
    connection = queries.connection(session)
    if connection is None:
        raise NoSuchLogin("This organization has no single sign-on.")
    if connection.approved_at is None:
        raise AwaitsOwner

    moment = now()
    later(session, delete(SamlRequest).where(SamlRequest.expires_at < moment))
    request = SamlRequest(return_to=return_to, expires_at=moment + LIFE)
    session.add(request)
    private_key = unseal(session, connection, "signing_key")
    message = documents.authn_request(
        request.id, connection.organization_id, connection.idp_sso_url, connection.name_id_format.value, moment
    )
    url = documents.redirect(connection.idp_sso_url, message, str(request.id), lambda signed: certificates.sign(private_key, signed))
    return request, url
