"""The lock of an organization's row: changes of its members, roles, seats and owner wait for each other."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.models import Organization
from parley.kernel.values.errors import NotFound


class NoSuchOrganization(NotFound):
    """The organization is not there, or not the caller's."""


def lock_organization(session: Session, *, with_deleted: bool = False) -> Organization:
    """The caller's organization, locked until the commit: who changes members, roles or the owner waits here for each other.

    The organization is named by the session's caller. Raises `NoSuchOrganization`.
    """
    organization_id = session.info["caller"].organization_id
    organization = session.scalar(
        select(Organization)
        .where(Organization.id == organization_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True, with_deleted=with_deleted)
    )
    if organization is None:
        raise NoSuchOrganization("There is no such organization.")
    return organization
