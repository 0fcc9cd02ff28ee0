"""What storage reads."""

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from parley.kernel.access.callers import Caller
from parley.storage.models import Project


def projects(caller: Caller) -> Select[Project]:
    """The organization's projects; for a key of a project, that one."""
    every = select(Project)
    return every if caller.project_id is None else every.where(Project.id == caller.project_id)


def project(session: Session, caller: Caller, project_id: UUID, *, for_update: bool = False) -> Project | None:
    wanted = projects(caller).where(Project.id == project_id)
    return session.scalars(wanted.with_for_update(key_share=True) if for_update else wanted).one_or_none()
