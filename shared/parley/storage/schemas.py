"""What storage's routes take and answer."""

from datetime import datetime
from uuid import UUID

from parley.kernel.values.fields import Line, Prose, RequestModel, ResponseModel, Slug


class ProjectCreate(RequestModel):
    name: Line
    slug: Slug
    description: Prose | None = None
    team_id: UUID | None = None


class ProjectUpdate(RequestModel):
    """What is named is changed; null empties a description, and takes a team away."""

    name: Line | None = None
    slug: Slug | None = None
    description: Prose | None = None
    team_id: UUID | None = None


class ProjectRead(ResponseModel):
    id: UUID
    name: str
    slug: str
    description: str | None
    team_id: UUID | None
    owner_id: UUID
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
