"""What single sign-on reads."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.models import Organization
from parley.saml.models import SamlConnection


def connection(session: Session) -> SamlConnection | None:
    """That of the caller's organization, if it lives. One query."""
    return session.scalar(select(SamlConnection).join(Organization, Organization.id == SamlConnection.organization_id))


def organization_and_connection(session: Session) -> tuple[Organization, SamlConnection | None] | None:
    """The caller's organization and its connection, if it has one. One query."""
    found = session.execute(
        select(Organization, SamlConnection)
        .outerjoin(SamlConnection, SamlConnection.organization_id == Organization.id)
        .where(Organization.id == session.info["caller"].organization_id)
    ).one_or_none()
    return (found[0], found[1]) if found else None
