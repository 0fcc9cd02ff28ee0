"""Users of SCIM: members of the organization, with the account of the person behind each."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from scim2_models import NotFoundException, PreconditionFailedException, Resource, SearchRequest
from sqlalchemy import Select, and_, case, column, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from parley.identity.billing import seat_limits
from parley.identity.declared import IdentityAction, IdentityEvent
from parley.identity.members import invitations, member_profiles, membership
from parley.identity.models import MemberRole, Organization, OrganizationMember, Team, TeamMember, User
from parley.identity.roles import organization_lock, role_policy
from parley.identity.sessions import session_revocation
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now
from parley.kernel.values.declarations import AuditAction
from parley.scim import member_provisioning
from parley.scim.errors import DuplicateResource
from parley.scim.models import ScimUser
from parley.scim.scim_filters import Condition, FilterComparison, flag, identifier, instant, text, uuid_of
from parley.scim.scim_search import Order
from parley.scim.service_provider_config import ScimUserModel
from parley.scim.user_mapping import ProvisionedUser, RequestedUser

REVOCATION_REASON = "deprovisioned"
"""Why sessions were ended."""

_USER_NAME = func.coalesce(ScimUser.user_name, member_profiles.member_email())
_DISPLAY_NAME = case((ScimUser.id.is_(None), member_profiles.member_name()), else_=ScimUser.attributes["displayName"].astext)
_CHANGED = func.greatest(OrganizationMember.joined_at, OrganizationMember.deactivated_at, ScimUser.updated_at)
_EMAIL = func.jsonb_array_elements(
    case((func.jsonb_typeof(ScimUser.attributes["emails"]) == "array", ScimUser.attributes["emails"]), else_=literal_column("'[]'::jsonb")),
).table_valued(column("value", JSONB), name="email")


def _email(operator: Any, value: Any) -> Condition | None:
    kept, own = text(_EMAIL.c.value.op("->>")("value"))(operator, value), text(User.email)(operator, value)
    if kept is None or own is None:
        return None
    return or_(select(_EMAIL.c.value).where(kept).exists(), and_(ScimUser.id.is_(None), own))


class UserCollection:
    """The members, in one transaction of the caller."""

    model = ScimUserModel
    meanings: Mapping[str, FilterComparison] = {
        "id": identifier(lambda key: OrganizationMember.id == key),
        "username": text(_USER_NAME),
        "externalid": text(ScimUser.external_id, is_case_exact=True),
        "displayname": text(_DISPLAY_NAME),
        "emails.value": _email,
        "active": flag(OrganizationMember.deactivated_at.is_(None)),
        "meta.created": instant(OrganizationMember.joined_at),
        "meta.lastmodified": instant(_CHANGED),
    }
    orders: Mapping[str, Any] = {
        "id": OrganizationMember.id,
        "username": func.lower(_USER_NAME).collate("C"),
        "externalid": ScimUser.external_id.collate("C"),
        "displayname": func.lower(_DISPLAY_NAME).collate("C"),
        "meta.created": OrganizationMember.joined_at,
        "meta.lastmodified": _CHANGED,
    }

    def __init__(self, session: Session, caller: Caller) -> None:
        self._session = session
        self._caller = caller
        self._held: dict[str, ProvisionedUser] = {}
        self._organization: Organization | None = None

    # --- reading -------------------------------------------------------------------------------------------------------------------------

    def _joined(self, *columns: Any) -> Select[Any]:
        return select(*columns).select_from(OrganizationMember).join(User, User.id == OrganizationMember.user_id).outerjoin(ScimUser, _SAME)

    def count(self, condition: Condition) -> int:
        return int(self._session.scalars(self._joined(func.count()).where(condition)).one())

    def resources(
        self, condition: Condition, order: Order, offset: int, limit: int, request: SearchRequest[Any] | None = None
    ) -> Sequence[Resource[Any]]:
        return [person.resource() for person in self._persons(condition, order, offset, limit)]

    def _persons(self, condition: Condition, order: Order, offset: int = 0, limit: int = 1) -> list[ProvisionedUser]:
        query = self._joined(OrganizationMember, User, ScimUser).where(condition).order_by(*order, OrganizationMember.id)
        persons = [ProvisionedUser(*row) for row in self._session.execute(query.offset(offset).limit(limit))]
        if persons:
            by_user = {person.user.id: person for person in persons}
            teams = select(TeamMember.user_id, Team.id, Team.name).join(Team, Team.id == TeamMember.team_id)
            for user_id, team_id, name in self._session.execute(teams.where(TeamMember.user_id.in_(by_user)).order_by(Team.id)):
                by_user[user_id].teams.append((team_id, name))
        return persons

    def get(self, key: str) -> ProvisionedUser:
        """Raises `NotFoundException`, alike for what is unknown and what is another organization's."""
        member_id = uuid_of(key)
        persons = self._persons(OrganizationMember.id == member_id, []) if member_id is not None and str(member_id) == key else []
        if not persons:
            raise NotFoundException(detail="There is no such user.")
        return persons[0]

    def hold(self, key: str) -> ProvisionedUser:
        """As `get`, and whoever else changes members waits until the commit."""
        self._lock()
        if key not in self._held:
            self._held[key] = self.get(key)
        return self._held[key]

    def _lock(self) -> Organization:
        if self._organization is None:
            self._organization = organization_lock.lock_organization(self._session)
        return self._organization

    def _expected(self, key: str, version: str | None) -> ProvisionedUser:
        """As `hold`. Raises `PreconditionFailedException` when it is another version than the one that was changed."""
        held = self.hold(key)
        meta = held.resource().meta
        if version is not None and meta is not None and meta.version != version:
            raise PreconditionFailedException
        return held

    # --- changing ------------------------------------------------------------------------------------------------------------------------

    def create(self, resource: Resource[Any]) -> ProvisionedUser:
        """A new member, whether or not the person has an account. Raises `PlanLimit`, `Taken`."""
        wanted, organization = RequestedUser.of(resource), self._lock()
        wanted.attributes.setdefault("active", True)
        self._refuse_taken(wanted.user_name)
        if wanted.is_active is not False:
            seat_limits.require_free_seat(self._session, organization, address=wanted.address)
        role = wanted.role or MemberRole.MEMBER
        role_policy.require_may_grant(self._own_role, role)
        member_provisioning.refuse_member(self._session, self._caller, wanted)
        user = member_provisioning.account(self._session)
        member = OrganizationMember(
            user_id=user.id,
            role=role,
            deactivated_at=now() if wanted.is_active is False else None,
            display_name=wanted.name,
            email=wanted.address,
            is_sso_bound=True,
        )
        row = ScimUser(id=member.id, user_name=wanted.user_name, external_id=wanted.external_id, attributes=wanted.attributes)
        self._session.add_all([member, row])
        with _clashes():
            self._session.flush()
        person = ProvisionedUser(member, user, row)
        self._tell(IdentityAction.MEMBER_CREATED, member, new={"role": role.value, "active": wanted.is_active is not False})
        outbox.announce(self._session, IdentityEvent.MEMBER_JOINED, user_id=user.id, role=role.value)
        member_provisioning.ask(self._session, self._caller, member)
        return person

    def update(self, resource: Resource[Any], expected_version: str | None, *, is_whole: bool) -> ProvisionedUser:
        """The member as the resource says, which is their whole new state; a PUT (`is_whole`) that is silent on `active` leaves it.

        Raises `role_policy`'s refusals, `PlanLimit`, and as `create`."""
        organization, person = self._lock(), self._expected(str(resource.id), expected_version)
        wanted = RequestedUser.of(resource)
        if is_whole:
            wanted.attributes.setdefault("active", True)
        if wanted.user_name.lower() != person.user_name.lower():
            self._refuse_taken(wanted.user_name, but=person.member.id)
        self._assign(person, wanted)
        self._activate(person, organization, wanted.is_active)
        if person.row is None:
            person.row = ScimUser(id=person.member.id, user_name=wanted.user_name, attributes={})
            self._session.add(person.row)
        person.row.user_name, person.row.external_id = wanted.user_name, wanted.external_id
        person.row.attributes, person.row.updated_at = wanted.attributes, now()
        with _clashes():
            member_provisioning.follow(self._session, self._caller, person, wanted)
            self._session.flush()
        return person

    def delete(self, key: str, expected_version: str | None) -> None:
        """End the membership, and what hangs on it. The account stays the person's. Raises `role_policy`'s refusals."""
        person = self._expected(key, expected_version)
        if person.member.role is MemberRole.OWNER:
            raise role_policy.OwnerStays("The owner can't be removed; transfer the organization first.")
        role_policy.require_may_change(self._own_role, person.member)
        member_provisioning.take_back(self._session, person.member)
        membership.end_membership(self._session, self._caller, person.member, IdentityAction.MEMBER_DELETED, because=REVOCATION_REASON)

    @property
    def _own_role(self) -> MemberRole:
        """As it is now: admission has compared it. A key stands where its maker stands."""
        return MemberRole(self._caller.role or "VIEWER")

    def _assign(self, person: ProvisionedUser, wanted: RequestedUser) -> None:
        """The role that the resource names. One that is no longer named is given back."""
        old = person.member.role
        role = wanted.role or (MemberRole.MEMBER if person.role_word and old is not MemberRole.OWNER else old)
        if role is old:
            return
        if old is MemberRole.OWNER:
            raise role_policy.OwnerStays("The owner keeps that role; transfer the organization first.")
        role_policy.require_may_change(self._own_role, person.member)
        role_policy.require_may_grant(self._own_role, role)
        person.member.role = role
        invitations.end_of(self._session, self._caller, person.user.id, role if person.member.deactivated_at is None else None)
        action = IdentityAction.MEMBER_PROMOTED if role_policy.rank(role) > role_policy.rank(old) else IdentityAction.MEMBER_DEMOTED
        self._tell(action, person.member, old={"role": old.value}, new={"role": role.value})
        outbox.announce(self._session, IdentityEvent.MEMBER_ROLE_CHANGED, user_id=person.user.id, role=role.value)

    def _activate(self, person: ProvisionedUser, organization: Organization, is_active: bool | None) -> None:
        was_active = person.member.deactivated_at is None
        if is_active is None or is_active == was_active:
            return
        if person.member.role is MemberRole.OWNER:
            raise role_policy.OwnerStays("The owner can't be deactivated; transfer the organization first.")
        role_policy.require_may_change(self._own_role, person.member)
        if is_active:
            seat_limits.require_free_seat(self._session, organization)
            person.member.deactivated_at = None
            member_provisioning.ask(self._session, self._caller, person.member)
        else:
            person.member.deactivated_at = now()
            session_revocation.revoke_in_organization(self._session, person.user.id, because=REVOCATION_REASON)
            invitations.end_of(self._session, self._caller, person.user.id, None)
        self._tell(IdentityAction.MEMBER_REACTIVATED if is_active else IdentityAction.MEMBER_DEACTIVATED, person.member)
        outbox.announce(self._session, IdentityEvent.MEMBER_ACTIVITY_CHANGED, user_id=person.user.id, is_active=is_active)

    def _tell(
        self, action: AuditAction, member: OrganizationMember, *, old: dict[str, Any] | None = None, new: dict[str, Any] | None = None
    ) -> None:
        audit.record(self._session, self._caller, action, member, old=old, new=new, target_user_id=member.user_id)

    def _refuse_taken(self, user_name: str, but: UUID | None = None) -> None:
        """Members without a name of SCIM are called by their address, so the unique index alone does not see them."""
        same = and_(func.lower(_USER_NAME) == func.lower(user_name), OrganizationMember.id.is_distinct_from(but))
        if self._session.scalar(self._joined(OrganizationMember.id).where(same).limit(1)) is not None:
            raise DuplicateResource("Another user has this userName.")


@contextmanager
def _clashes() -> Iterator[None]:
    table = "uq_scim_users_organization_id"
    with (
        violation_means(f"{table}_user_name", DuplicateResource("Another user has this userName.")),
        violation_means(f"{table}_external_id", DuplicateResource("Another user has this externalId.")),
        violation_means("uq_organization_members_organization_id_email", DuplicateResource("This person is a member already.")),
    ):
        yield


_SAME = and_(ScimUser.organization_id == OrganizationMember.organization_id, ScimUser.id == OrganizationMember.id)
