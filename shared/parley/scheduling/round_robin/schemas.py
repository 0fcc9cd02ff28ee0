"""What the routes of round-robin pools take and answer."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from parley.kernel.values.fields import PatchModel, RequestModel, ResponseModel
from parley.scheduling.common.scheduling_fields import Name
from parley.scheduling.tables.enums import AssignmentStrategy

MOST_HOSTS = 50
Weight = Annotated[int, Field(strict=True, ge=0, le=1000)]
Priority = Annotated[int, Field(strict=True, ge=-1000, le=1000)]


class AssignmentIn(RequestModel):
    """A host of the pool. `weight` is for WEIGHTED, `priority` for PRIORITY, the largest first."""

    user_id: UUID
    weight: Weight = 1
    priority: Priority = 0


def _each_once(hosts: list[AssignmentIn]) -> list[AssignmentIn]:
    if len({host.user_id for host in hosts}) < len(hosts):
        raise ValueError("a host has one place in a pool")
    return hosts


Assignments = Annotated[list[AssignmentIn], Field(max_length=MOST_HOSTS), AfterValidator(_each_once)]


class PoolCreate(RequestModel):
    """The order of the hosts is the order of the pool."""

    name: Name
    strategy: AssignmentStrategy
    team_id: UUID | None = None
    hosts: Assignments = []


class PoolUpdate(PatchModel):
    """What is named changes. `hosts` is replaced as a whole; who stays keeps count and turn."""

    _needed = frozenset({"name", "strategy", "hosts"})

    name: Name | None = None
    strategy: AssignmentStrategy | None = None
    team_id: UUID | None = None
    hosts: Assignments | None = None


class AssignmentRead(ResponseModel):
    user_id: UUID
    weight: int
    priority: int
    assignment_count: int
    last_assigned_at: datetime | None


class PoolRead(ResponseModel):
    id: UUID
    team_id: UUID | None
    name: str
    strategy: AssignmentStrategy
    created_at: datetime
    updated_at: datetime


class PoolDetailRead(PoolRead):
    hosts: list[AssignmentRead]
