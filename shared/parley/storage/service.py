"""Projects of an organization."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.keys import api_keys
from parley.identity.models import Team
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence.pagination import Page, page
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, Forbidden, NotFound, Unprocessable
from parley.storage import queries
from parley.storage.declared import StorageAction
from parley.storage.models import Project
from parley.storage.schemas import ProjectCreate, ProjectRead, ProjectUpdate

ONE_SLUG = "uq_storage_projects_slug"
_NEVER_EMPTY = ("name", "slug")


class NoSuchProject(NotFound):
    """There is none, or it is not the caller's."""


class ProjectSlugTaken(Conflict):
    """Another living project of the organization has this slug."""


class UnknownTeamOfProject(Unprocessable):
    """The team of a project is not one of the organization."""


class BoundToAProject(Forbidden):
    """A key of a project asked for another project to be made."""


class EmptyField(Unprocessable):
    """A field that every project has was to be emptied."""


def create_project(session: Session, caller: Caller, wanted: ProjectCreate) -> Project:
    """A new project, of the person who asks or whose key asks. Raises `ProjectSlugTaken`, `UnknownTeamOfProject`, `BoundToAProject`."""
    if caller.project_id is not None:
        raise BoundToAProject("A key of a project can't make another one; use a key of the organization.")
    _check_team(session, wanted.team_id)

    project = Project(owner_id=caller.person_id, **wanted.model_dump())
    session.add(project)
    with violation_means(ONE_SLUG, _taken()):
        session.flush()
    audit.record(session, caller, StorageAction.PROJECT_CREATED, project, new={"slug": project.slug})
    return project


def projects(session: Session, caller: Caller, *, limit: int, cursor: str | None) -> Page[ProjectRead]:
    """A page of projects, newest first. One query."""
    rows, following = page(session, queries.projects(caller), [Project.id], cursor=cursor, limit=limit)
    return Page(items=[ProjectRead.model_validate(row) for row in rows], next_cursor=following)


def project(session: Session, caller: Caller, project_id: UUID, *, for_update: bool = False) -> Project:
    """Raises `NoSuchProject`."""
    row = queries.project(session, caller, project_id, for_update=for_update)
    if row is None:
        raise NoSuchProject("There is no such project.")
    return row


def change_project(session: Session, caller: Caller, project_id: UUID, wanted: ProjectUpdate) -> Project:
    """Raises `NoSuchProject`, `ProjectSlugTaken`, `UnknownTeamOfProject`, `EmptyField`."""
    row = project(session, caller, project_id, for_update=True)
    changes = wanted.model_dump(exclude_unset=True)
    for name in _NEVER_EMPTY:
        if name in changes and changes[name] is None:
            raise EmptyField(f"A project has a {name}; leave it out to keep it.")
    _check_team(session, changes.get("team_id"))

    old = {name: getattr(row, name) for name in changes}
    for name, value in changes.items():
        setattr(row, name, value)
    with violation_means(ONE_SLUG, _taken()):
        session.flush()
    changed = sorted(name for name, value in changes.items() if old[name] != value)
    if changed:
        audit.record(session, caller, StorageAction.PROJECT_UPDATED, row, new={"changed": changed})
    return row


def delete_project(session: Session, caller: Caller, project_id: UUID) -> Project:
    """Delete a project, softly, and end its keys. Raises `NoSuchProject`."""
    row = project(session, caller, project_id, for_update=True)
    row.deleted_at = now()
    api_keys.revoke_of_project(session, caller, row.id)
    audit.record(session, caller, StorageAction.PROJECT_DELETED, row)
    return row


def _taken() -> ProjectSlugTaken:
    return ProjectSlugTaken("Another project has this slug; choose another.")


def _check_team(session: Session, team_id: UUID | None) -> None:
    if team_id is not None and session.scalars(select(Team.id).where(Team.id == team_id)).one_or_none() is None:
        raise UnknownTeamOfProject("There is no such team.")
