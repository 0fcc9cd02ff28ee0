"""Teams of an organization, and who is in them."""

from uuid import UUID

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session

from parley.identity.declared import IdentityAction, IdentityEvent
from parley.identity.members import member_profiles
from parley.identity.members.schemas import TeamCreate, TeamMemberCreate, TeamMemberRead, TeamRead, TeamUpdate
from parley.identity.models import Invitation, InvitationStatus, MemberRole, OrganizationMember, Team, TeamMember, User
from parley.identity.roles import role_policy
from parley.identity.roles.role_policy import NoSuchMember
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.persistence.pagination import Page, joined_page, page
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now
from parley.kernel.values.declarations import AuditAction
from parley.kernel.values.errors import Conflict, NotFound

_ONE_SLUG = "uq_teams_slug"
_ONE_PLACE = "uq_team_members_organization_id_team_id_user_id"
_MEMBERS_ONLY = "fk_team_members_organization_id_user_id"


class NoSuchTeam(NotFound):
    """There is none, or it is another organization's."""


class NoSuchTeamMember(NotFound):
    """Nobody of that id is in the team."""


class TeamSlugTaken(Conflict):
    """Another team of the organization has this slug."""


class AlreadyInTeam(Conflict):
    """Whoever is to be added is there."""


def create(session: Session, caller: Caller, wanted: TeamCreate) -> Team:
    """Raises `TeamSlugTaken`."""
    team = Team(**wanted.model_dump())
    session.add(team)
    with violation_means(_ONE_SLUG, TeamSlugTaken("Another team has this slug; choose another.")):
        session.flush()

    audit.record(session, caller, IdentityAction.TEAM_CREATED, team, new={"slug": team.slug}, team_id=team.id)
    outbox.announce(session, IdentityEvent.TEAM_CREATED, team_id=team.id)
    return team


def teams(session: Session, *, limit: int, cursor: str | None) -> Page[TeamRead]:
    """A page of teams, the newest first. One query."""
    rows, following = page(session, select(Team), [Team.id], cursor=cursor, limit=limit)
    return Page(items=[TeamRead.model_validate(row) for row in rows], next_cursor=following)


def team(session: Session, team_id: UUID, *, locked: bool = False) -> Team:
    """Raises `NoSuchTeam`. `locked`: it can't be deleted until the commit."""
    wanted = select(Team).where(Team.id == team_id)
    row = session.scalar(wanted.with_for_update(read=True) if locked else wanted)
    if row is None:
        raise NoSuchTeam("There is no such team.")
    return row


def change(session: Session, caller: Caller, team_id: UUID, wanted: TeamUpdate) -> Team:
    """Raises `NoSuchTeam`, `TeamSlugTaken`."""
    row = team(session, team_id)
    changes = {name: value for name, value in wanted.changed_fields().items() if value != getattr(row, name)}
    if not changes:
        return row
    for name, value in changes.items():
        setattr(row, name, value)
    with violation_means(_ONE_SLUG, TeamSlugTaken("Another team has this slug; choose another.")):
        session.flush()

    audit.record(session, caller, IdentityAction.TEAM_UPDATED, row, changed=sorted(changes), team_id=team_id)
    outbox.announce(session, IdentityEvent.TEAM_UPDATED, team_id=team_id)
    return row


def remove(session: Session, caller: Caller, team_id: UUID) -> None:
    """Delete the team. Its slug is free, and invitations to it are over. Raises `NoSuchTeam`."""
    statement = update(Team).where(Team.id == team_id, Team.deleted_at.is_(None)).values(deleted_at=now()).returning(Team)
    row = session.scalars(statement).one_or_none()
    if row is None:
        raise NoSuchTeam("There is no such team.")
    pending = update(Invitation).where(Invitation.team_id == team_id, Invitation.status == InvitationStatus.PENDING)
    execute_later(session, pending.values(status=InvitationStatus.EXPIRED, updated_at=now()))
    audit.record(session, caller, IdentityAction.TEAM_DELETED, row, team_id=team_id)
    outbox.announce(session, IdentityEvent.TEAM_DELETED, team_id=team_id)


def team_members(session: Session, team_id: UUID, *, limit: int, cursor: str | None) -> Page[TeamMemberRead]:
    """A page of who is in a team, the newest first. Two queries. Raises `NoSuchTeam`."""
    team(session, team_id)
    wanted = _with_people().where(TeamMember.team_id == team_id)
    rows, following = joined_page(session, wanted, [TeamMember.id], cursor=cursor, limit=limit)
    return Page(items=[_read(*row) for row in rows], next_cursor=following)


def add(session: Session, caller: Caller, team_id: UUID, wanted: TeamMemberCreate) -> TeamMemberRead:
    """Put a member of the organization in a team. Raises `NoSuchTeam`, `NoSuchMember`, `AlreadyInTeam`, `RoleAboveYours`."""
    team(session, team_id, locked=True)
    role_policy.require_may_grant(role_policy.own_role(session, caller), wanted.role)
    team_member = TeamMember(team_id=team_id, user_id=wanted.user_id, role=wanted.role)
    session.add(team_member)
    with (
        violation_means(_ONE_PLACE, AlreadyInTeam("This member is in the team already.")),
        violation_means(_MEMBERS_ONLY, NoSuchMember("There is no such member.")),
    ):
        session.flush()

    _tell(session, caller, IdentityAction.TEAM_MEMBER_ADDED, team_member)
    outbox.announce(session, IdentityEvent.TEAM_MEMBER_ADDED, team_id=team_id, user_id=wanted.user_id)
    return _shown(session, team_member)


def change_member(session: Session, caller: Caller, team_id: UUID, user_id: UUID, role: MemberRole) -> TeamMemberRead:
    """Change somebody's role in a team. Raises `NoSuchTeam`, `NoSuchTeamMember`, `RoleAboveYours`."""
    team_member = _place(session, team_id, user_id)
    role_policy.require_may_grant(role_policy.own_role(session, caller), role)
    if role is not team_member.role:
        old, team_member.role = team_member.role, role
        _tell(session, caller, IdentityAction.TEAM_MEMBER_CHANGED, team_member, old={"role": old.value})
        outbox.announce(session, IdentityEvent.TEAM_MEMBER_CHANGED, team_id=team_id, user_id=user_id)
    return _shown(session, team_member)


def take_out(session: Session, caller: Caller, team_id: UUID, user_id: UUID) -> None:
    """Raises `NoSuchTeam`, `NoSuchTeamMember`."""
    team(session, team_id)
    statement = delete(TeamMember).where(TeamMember.team_id == team_id, TeamMember.user_id == user_id).returning(TeamMember)
    team_member = session.scalars(statement).one_or_none()
    if team_member is None:
        raise NoSuchTeamMember("There is no such member in this team.")
    _tell(session, caller, IdentityAction.TEAM_MEMBER_REMOVED, team_member)
    outbox.announce(session, IdentityEvent.TEAM_MEMBER_REMOVED, team_id=team_id, user_id=user_id)


def _place(session: Session, team_id: UUID, user_id: UUID) -> TeamMember:
    team(session, team_id)
    wanted = select(TeamMember).where(TeamMember.team_id == team_id, TeamMember.user_id == user_id)
    team_member = session.scalar(wanted.with_for_update())
    if team_member is None:
        raise NoSuchTeamMember("There is no such member in this team.")
    return team_member


def _tell(session: Session, caller: Caller, action: AuditAction, team_member: TeamMember, old: dict[str, str] | None = None) -> None:
    new = {"role": team_member.role.value}
    audit.record(session, caller, action, team_member, old=old, new=new, team_id=team_member.team_id, target_user_id=team_member.user_id)


def _shown(session: Session, team_member: TeamMember) -> TeamMemberRead:
    return _read(*session.execute(_with_people().where(TeamMember.id == team_member.id)).one())


def _with_people() -> Select[TeamMember, User, OrganizationMember]:
    here = (OrganizationMember.organization_id == TeamMember.organization_id) & (OrganizationMember.user_id == TeamMember.user_id)
    wanted = select(TeamMember, User, OrganizationMember)
    return wanted.join(User, User.id == TeamMember.user_id).join(OrganizationMember, here)


def _read(team_member: TeamMember, user: User, member: OrganizationMember) -> TeamMemberRead:
    name, email = member_profiles.name_and_email(member, user)
    return TeamMemberRead(
        team_id=team_member.team_id, user_id=user.id, name=name, email=email, role=team_member.role, joined_at=team_member.joined_at
    )
