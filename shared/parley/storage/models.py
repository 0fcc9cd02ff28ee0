"""Projects: what keys and files belong to inside an organization."""

from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from parley.kernel.persistence.base_models import Base, SoftDeleted, Tenant, Timestamps


class Project(Tenant, Timestamps, SoftDeleted, Base):
    """A part of an organization's storage, with keys of its own."""

    __tablename__ = "storage_projects"
    __table_args__ = (Index("uq_storage_projects_slug", "organization_id", "slug", unique=True, postgresql_where="deleted_at IS NULL"),)

    team_id: Mapped[UUID | None]
    owner_id: Mapped[UUID]
    name: Mapped[str]
    slug: Mapped[str]
    description: Mapped[str | None]
