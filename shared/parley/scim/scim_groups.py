"""Groups of SCIM: teams of the organization."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any
from uuid import UUID

from scim2_models import InvalidValueException, NotFoundException, PreconditionFailedException, Resource, SearchRequest
from sqlalchemy import Select, Text, and_, cast, delete, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from parley.identity.declared import IdentityAction, IdentityEvent
from parley.identity.members import teams
from parley.identity.models import MemberRole, OrganizationMember, Team, TeamMember
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now
from parley.kernel.values.declarations import AuditAction, EventName
from parley.kernel.values.ids import new_id
from parley.scim.errors import DuplicateResource
from parley.scim.models import ScimGroup
from parley.scim.scim_filters import Condition, FilterComparison, identifier, instant, text, uuid_of
from parley.scim.scim_search import Order
from parley.scim.service_provider_config import ScimGroupModel
from parley.scim.user_mapping import version_of

_MEMBERSHIP = and_(OrganizationMember.organization_id == TeamMember.organization_id, OrganizationMember.user_id == TeamMember.user_id)
_EVERYBODY = (
    select(func.md5(func.string_agg(cast(OrganizationMember.id, Text), aggregate_order_by(literal(","), OrganizationMember.id))))
    .select_from(TeamMember)
    .join(OrganizationMember, _MEMBERSHIP)
    .where(TeamMember.organization_id == Team.organization_id, TeamMember.team_id == Team.id)
    .scalar_subquery()
)
_SIZE = (
    select(func.count())
    .select_from(TeamMember)
    .where(TeamMember.organization_id == Team.organization_id, TeamMember.team_id == Team.id)
    .scalar_subquery()
)
MOST_MEMBERS = 20_000
"""Shown on one page, which ends early rather than be more than a function may answer: 6 MB."""

_SAME = and_(ScimGroup.organization_id == Team.organization_id, ScimGroup.id == Team.id)


def _has(member_id: UUID) -> Condition:
    query = select(TeamMember.id).join(OrganizationMember, _MEMBERSHIP)
    return query.where(TeamMember.team_id == Team.id, OrganizationMember.id == member_id).exists()


class GroupCollection:
    """The teams, in one transaction of the caller."""

    model = ScimGroupModel
    meanings: Mapping[str, FilterComparison] = {
        "id": identifier(lambda key: Team.id == key),
        "displayname": text(Team.name),
        "externalid": text(ScimGroup.external_id, is_case_exact=True),
        "members.value": identifier(_has),
        "meta.created": instant(Team.created_at),
        "meta.lastmodified": instant(Team.updated_at),
    }
    orders: Mapping[str, Any] = {
        "id": Team.id,
        "displayname": func.lower(Team.name).collate("C"),
        "externalid": ScimGroup.external_id.collate("C"),
        "meta.created": Team.created_at,
        "meta.lastmodified": Team.updated_at,
    }

    def __init__(self, session: Session, caller: Caller) -> None:
        self._session = session
        self._caller = caller
        self._held: dict[str, Resource[Any]] = {}

    # --- reading -------------------------------------------------------------------------------------------------------------------------

    def _joined(self, *columns: Any) -> Select[Any]:
        return select(*columns).select_from(Team).outerjoin(ScimGroup, _SAME)

    def count(self, condition: Condition) -> int:
        return int(self._session.scalars(self._joined(func.count()).where(condition)).one())

    def resources(
        self, condition: Condition, order: Order, offset: int, limit: int, request: SearchRequest[Any] | None = None
    ) -> Sequence[Resource[Any]]:
        query = self._joined(Team, ScimGroup.external_id, _EVERYBODY, _SIZE).where(condition).order_by(*order, Team.id)
        rows = self._session.execute(query.offset(offset).limit(limit)).all()
        if request is not None and shows_members(request):
            sizes = accumulate(size for *_, size in rows)
            rows = rows[: max(sum(size <= MOST_MEMBERS for size in sizes), 1)]
        members: dict[UUID, list[UUID]] = {team.id: [] for team, *_ in rows}
        if rows and (request is None or shows_members(request)):
            members_query = select(TeamMember.team_id, OrganizationMember.id).join(OrganizationMember, _MEMBERSHIP)
            for team_id, member_id in self._session.execute(
                members_query.where(TeamMember.team_id.in_(members)).order_by(OrganizationMember.id)
            ):
                members[team_id].append(member_id)
        return [_shown(team, external_id, digest, members[team.id]) for team, external_id, digest, _ in rows]

    def get(self, key: str, request: Any = None) -> Resource[Any]:
        """Raises `NotFoundException`, alike for what is unknown, deleted, or another organization's."""
        team_id = uuid_of(key)
        groups = self.resources(Team.id == team_id, [], 0, 1, request) if team_id is not None and str(team_id) == key else []
        if not groups:
            raise NotFoundException(detail="There is no such group.")
        return groups[0]

    def hold(self, key: str) -> Resource[Any]:
        """As `get`, and whoever else changes this group waits until the commit."""
        if key not in self._held and (team_id := uuid_of(key)) is not None:
            self._session.execute(select(Team.id).where(Team.id == team_id).with_for_update())
            self._held[key] = self.get(key)
        return self._held[key].model_copy(deep=True) if key in self._held else self.get(key)

    def _expected(self, key: str, version: str | None) -> Resource[Any]:
        """As `hold`. Raises `PreconditionFailedException` when it is another version than the one that was changed."""
        held = self.hold(key)
        if version is not None and held.meta is not None and held.meta.version != version:
            raise PreconditionFailedException
        return held

    # --- changing ------------------------------------------------------------------------------------------------------------------------

    def create(self, resource: Resource[Any]) -> Resource[Any]:
        """A new team. Raises `Taken`, `InvalidValueException` for members that are none."""
        name, external_id, members = _wanted(resource)
        key = new_id()
        team = Team(id=key, name=name, slug=_slug(name, key))
        self._session.add_all([team, ScimGroup(id=key, external_id=external_id)])
        self._flush()
        self._add(key, members)
        audit.record(self._session, self._caller, IdentityAction.TEAM_CREATED, team, new={"slug": team.slug}, team_id=key)
        outbox.announce(self._session, IdentityEvent.TEAM_CREATED, team_id=key)
        self._session.flush()
        return self.get(str(key))

    def update(self, resource: Resource[Any], expected_version: str | None) -> Resource[Any]:
        """The team as the resource says, which is its whole new state. Raises as `create`."""
        had = _member_ids(self._expected(str(resource.id), expected_version))
        name, external_id, members = _wanted(resource)
        team = self._session.scalars(select(Team).where(Team.id == UUID(str(resource.id)))).one()
        row = self._session.scalar(select(ScimGroup).where(ScimGroup.id == team.id))
        if row is None:
            row = ScimGroup(id=team.id)
            self._session.add(row)
        if (team.name, row.external_id) != (name, external_id):
            audit.record(self._session, self._caller, IdentityAction.TEAM_UPDATED, team, changed=["name"], team_id=team.id)
            outbox.announce(self._session, IdentityEvent.TEAM_UPDATED, team_id=team.id)
        team.name, team.updated_at, row.external_id = name, now(), external_id
        # Added first: who ends a membership holds it, and waits for its places in teams.
        self._add(team.id, members - had)
        self._remove(team.id, had - members)
        self._flush()
        return self.get(str(team.id))

    def delete(self, key: str, expected_version: str | None) -> None:
        self._expected(key, expected_version)
        teams.remove(self._session, self._caller, UUID(key))
        execute_later(self._session, delete(ScimGroup).where(ScimGroup.id == UUID(key)))

    def _add(self, team_id: UUID, members: Iterable[UUID]) -> None:
        wanted = set(members)
        if not wanted:
            return
        # Held, so that nobody whose membership is just ending is added.
        held = (
            select(OrganizationMember.id, OrganizationMember.user_id)
            .where(OrganizationMember.id.in_(wanted))
            .with_for_update(read=True, key_share=True)
        )
        user_ids = {row.id: row.user_id for row in self._session.execute(held.order_by(OrganizationMember.id))}
        if wanted - user_ids.keys():
            raise InvalidValueException(detail=f"{len(wanted - user_ids.keys())} of the members are no users of this organization.")
        for user_id in user_ids.values():
            team_member = TeamMember(team_id=team_id, user_id=user_id, role=MemberRole.MEMBER)
            self._session.add(team_member)
            self._tell(IdentityAction.TEAM_MEMBER_ADDED, IdentityEvent.TEAM_MEMBER_ADDED, team_member)

    def _remove(self, team_id: UUID, members: Iterable[UUID]) -> None:
        member_ids = set(members)
        if member_ids:
            users = select(OrganizationMember.user_id).where(OrganizationMember.id.in_(member_ids))
            ended = delete(TeamMember).where(TeamMember.team_id == team_id, TeamMember.user_id.in_(users)).returning(TeamMember)
            for team_member in self._session.scalars(ended, execution_options={"synchronize_session": False}).all():
                self._tell(IdentityAction.TEAM_MEMBER_REMOVED, IdentityEvent.TEAM_MEMBER_REMOVED, team_member)

    def _tell(self, action: AuditAction, event: EventName, team_member: TeamMember) -> None:
        audit.record(self._session, self._caller, action, team_member, team_id=team_member.team_id, target_user_id=team_member.user_id)
        outbox.announce(self._session, event, team_id=team_member.team_id, user_id=team_member.user_id)

    def _flush(self) -> None:
        with violation_means("uq_scim_groups_organization_id_external_id", DuplicateResource("Another group has this externalId.")):
            self._session.flush()


def shows_members(request: Any) -> bool:
    """Whether the answer shows who is in the groups; without, they are not asked for."""
    names, left_out = (
        [str(path).rpartition(":")[2].lower() for path in paths or []] for paths in (request.attributes, request.excluded_attributes)
    )
    return any(name.startswith("members") for name in names) if names else "members" not in left_out


def _shown(team: Team, external_id: str | None, digest: str | None, members: list[UUID]) -> Resource[Any]:
    attributes: dict[str, Any] = {"id": str(team.id), "displayName": team.name}
    if external_id is not None:
        attributes["externalId"] = external_id
    attributes["meta"] = {
        "resourceType": "Group",
        "created": team.created_at,
        "lastModified": max(team.created_at, team.updated_at),
        "version": version_of([attributes, digest]),
    }
    if members:
        attributes["members"] = [{"value": str(key), "$ref": f"Users/{key}", "type": "User"} for key in members]
    shown: Resource[Any] = ScimGroupModel.model_validate(attributes)
    return shown


def _wanted(resource: Resource[Any]) -> tuple[str, str | None, set[UUID]]:
    attributes: dict[str, Any] = resource.model_dump(mode="json")
    name = (attributes.get("displayName") or "").strip()
    if not 0 < len(name) <= 200:
        raise InvalidValueException(detail="A displayName has 1 to 200 characters.")
    if len(attributes.get("externalId") or "") > 1000:
        raise InvalidValueException(detail="An externalId has at most 1000 characters.")
    return name, attributes.get("externalId"), _member_ids(resource)


def _member_ids(resource: Resource[Any]) -> set[UUID]:
    values = [member.value for member in getattr(resource, "members", None) or []]
    ids = [uuid_of(value) for value in values]
    if any(key is None for key in ids):
        raise InvalidValueException(detail="A member is named by the id of a user of this organization.")
    return {key for key in ids if key is not None}


def _slug(name: str, key: UUID) -> str:
    """Nobody chooses the slug of a provisioned team, so it never clashes."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:36].strip("-")
    return f"{words}-{key.hex[-12:]}" if words else key.hex[-12:]
