"""Organizations: found, changed, deleted and restored, handed over; and what their plan allows."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from parley.identity.accounts import user_accounts
from parley.identity.billing import plan_changes, seat_limits
from parley.identity.declared import IdentityAction, IdentityEvent
from parley.identity.log_in import brute_force_throttle
from parley.identity.models import MemberRole, Organization, OrganizationMember, User, UserStatus
from parley.identity.organizations import organization_creation
from parley.identity.organizations.organization_creation import OrganizationSlugTaken
from parley.identity.organizations.schemas import (
    LimitsRead,
    OrganizationCreate,
    OrganizationDetailRead,
    OrganizationUpdate,
    OwnOrganizationRead,
    SeatsRead,
)
from parley.identity.roles import organization_lock, role_policy
from parley.identity.roles.organization_lock import NoSuchOrganization
from parley.kernel.access.callers import Caller
from parley.kernel.access.plans import PLANS, PlanType
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.persistence.pagination import Page, joined_page
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict

RESTORABLE = timedelta(days=30)


class AlreadyOwner(Conflict):
    """The organization is to be handed to who has it."""


class NotAnActiveMember(Conflict):
    """The organization is to be handed to somebody who can't act in it."""


class TooManySeatsTaken(Conflict):
    """The smaller plan does not have a seat for everybody."""


def create_organization(session: Session, wanted: OrganizationCreate) -> OwnOrganizationRead:
    """Found an organization; the caller becomes its owner. In a transaction of `transactions.joining`.

    Raises `OrganizationSlugTaken`, `TooManyOrganizations`.
    """
    founder: Caller = session.info["caller"]
    assert founder.actor_id is not None
    user_accounts.lock(session, founder.actor_id)
    brute_force_throttle.count_organization(session, founder.actor_id)
    organization = organization_creation.create_organization_for(session, founder, **wanted.model_dump())
    outbox.announce(session, IdentityEvent.ORGANIZATION_CREATED, organization_id=organization.id)
    shown = {name: getattr(organization, name) for name in OrganizationDetailRead.model_fields}
    return OwnOrganizationRead.model_validate(shown | {"role": MemberRole.OWNER, "joined_at": organization.created_at})


def own_organizations(session: Session, caller: Caller, *, is_deleted: bool, limit: int, cursor: str | None) -> Page[OwnOrganizationRead]:
    """A page of the organizations that the person belongs to, the newest membership first; or of those that they may restore. One query."""
    wanted = (
        select(OrganizationMember, Organization)
        .join(Organization, Organization.id == OrganizationMember.organization_id)
        .where(OrganizationMember.user_id == caller.actor_id, OrganizationMember.deactivated_at.is_(None))
    )
    if is_deleted:
        wanted = wanted.where(*_is_restorable(caller)).execution_options(with_deleted=True)
    rows, following = joined_page(session, wanted, [OrganizationMember.id], cursor=cursor, limit=limit)
    return Page(items=[_own(organization, member) for member, organization in rows], next_cursor=following)


def _own(organization: Organization, member: OrganizationMember) -> OwnOrganizationRead:
    shown = {name: getattr(organization, name) for name in OrganizationDetailRead.model_fields}
    return OwnOrganizationRead.model_validate(shown | {"role": member.role, "joined_at": member.joined_at})


def _is_restorable(caller: Caller) -> list[ColumnElement[bool]]:
    return [Organization.owner_id == caller.actor_id, Organization.deleted_at > now() - RESTORABLE]


def current_organization(session: Session, caller: Caller) -> Organization:
    """The caller's organization. Raises `NoSuchOrganization`."""
    organization = session.scalar(select(Organization).where(Organization.id == caller.organization_id))
    if organization is None:
        raise NoSuchOrganization("There is no such organization.")
    return organization


def change(session: Session, caller: Caller, wanted: OrganizationUpdate) -> Organization:
    """Change the profile. Raises `OrganizationSlugTaken`."""
    organization = organization_lock.lock_organization(session)
    named = wanted.changed_fields()
    if wanted.visitor_limits is not None:
        named["visitor_limits"] = wanted.visitor_limits.model_dump()
    changes = {name: value for name, value in named.items() if value != getattr(organization, name)}
    if not changes:
        return organization
    for name, value in changes.items():
        setattr(organization, name, value)
    with violation_means("uq_organizations_slug", OrganizationSlugTaken("This slug is taken; choose another.")):
        session.flush()

    audit.record(session, caller, IdentityAction.ORGANIZATION_UPDATED, organization, changed=sorted(changes))
    outbox.announce(session, IdentityEvent.ORGANIZATION_UPDATED, organization_id=organization.id)
    return organization


def delete(session: Session, caller: Caller) -> None:
    """Delete the organization, to be restored within 30 days. Nobody comes in from now on, and its slug is kept back for 90 days."""
    organization = organization_lock.lock_organization(session)
    organization.deleted_at = now()
    audit.record(session, caller, IdentityAction.ORGANIZATION_DELETED, organization)
    outbox.announce(session, IdentityEvent.ORGANIZATION_DELETED, organization_id=organization.id)


def restorable(session: Session, caller: Caller, organization_id: UUID) -> UUID:
    """The organization's id, where the person may restore it. In a transaction of `transactions.personal`. Raises `NoSuchOrganization`."""
    is_there = Organization.id == organization_id, Organization.owner_id == caller.actor_id
    organization = session.scalar(select(Organization).where(*is_there), execution_options={"with_deleted": True})
    if organization is None or (organization.deleted_at is not None and organization.deleted_at <= now() - RESTORABLE):
        raise NoSuchOrganization("There is no such organization of yours, or it was deleted more than 30 days ago.")
    return organization.id


def restore(session: Session, caller: Caller, slug: str | None) -> Organization:
    """Bring a deleted organization back as it was; one that is there stays. Raises `NoSuchOrganization`, `OrganizationSlugTaken`."""
    query = select(Organization).where(Organization.id == caller.organization_id, Organization.owner_id == caller.actor_id)
    organization = session.scalar(query.with_for_update(key_share=True), execution_options={"with_deleted": True})
    # Whoever deletes their account leaves what they deleted before, and restores it no more.
    if organization is None or role_policy.own_role(session, caller) is not MemberRole.OWNER:
        raise NoSuchOrganization("There is no such organization of yours.")
    if organization.deleted_at is None:
        return organization
    organization.deleted_at = None
    organization.slug = slug or organization.slug
    taken = OrganizationSlugTaken('The slug was taken meanwhile; choose another one for this organization: {"slug": "…"}.')
    with violation_means("uq_organizations_slug", taken):
        session.flush()

    audit.record(session, caller, IdentityAction.ORGANIZATION_RESTORED, organization)
    outbox.announce(session, IdentityEvent.ORGANIZATION_RESTORED, organization_id=organization.id)
    return organization


def transfer(session: Session, caller: Caller, user_id: UUID) -> Organization:
    """Make another active member the owner; the old one becomes an ADMIN. Raises `NoSuchMember`, `AlreadyOwner`, `NotAnActiveMember`."""
    organization = organization_lock.lock_organization(session)
    role, member = role_policy.role_and_member(session, caller, user_id)
    if role is not MemberRole.OWNER:
        raise role_policy.RoleAboveYours("Only the owner can hand the organization over.")
    if user_id == organization.owner_id:
        raise AlreadyOwner("This member owns the organization already.")
    # Who was provisioned and has not come has no way in yet, and so no address of an account.
    status = session.scalar(select(User.status).where(User.id == user_id, User.email.is_not(None)))
    if member.deactivated_at is not None or status is not UserStatus.ACTIVE:
        raise NotAnActiveMember("The new owner must be an active member.")

    old_owner_id, organization.owner_id = organization.owner_id, user_id
    # One after the other: at no time are there two owners.
    for person, new_role in ((old_owner_id, MemberRole.ADMIN), (user_id, MemberRole.OWNER)):
        conditions = OrganizationMember.organization_id == organization.id, OrganizationMember.user_id == person
        session.execute(update(OrganizationMember).where(*conditions).values(role=new_role))
    audit.record(
        session, caller, IdentityAction.ORGANIZATION_TRANSFERRED, organization,
        old={"owner_id": str(old_owner_id)}, new={"owner_id": str(user_id)}, target_user_id=user_id,
    )  # fmt: skip
    outbox.announce(session, IdentityEvent.ORGANIZATION_TRANSFERRED, organization_id=organization.id, owner_id=user_id)
    return organization


def choose_plan(session: Session, caller: Caller, plan: PlanType) -> Organization:
    """Take a smaller plan. Raises `PlanNotPaid` for a larger one, `TooManySeatsTaken` when the new one has fewer seats than are taken."""
    organization = organization_lock.lock_organization(session)
    plan_changes.refuse_larger(organization, plan)
    if organization.plan is plan:
        return organization
    used = seat_limits.seats_used(session, organization)
    old, organization.plan = organization.plan, plan
    limit = seat_limits.seat_limit(organization)
    if used > limit:
        raise TooManySeatsTaken(
            f"{used} seats are taken, pending invitations included, and {plan.value} has {limit}; free some first.", used=used, limit=limit
        )
    plan_changes.record(session, caller, organization, old, reason="chosen")
    return organization


def limits(session: Session, caller: Caller) -> LimitsRead:
    """What the organization may use, and how many of its seats are taken. One query."""
    query = select(Organization, seat_limits.seats_used_query(caller.organization_id)).where(Organization.id == caller.organization_id)
    row = session.execute(query).one_or_none()
    if row is None:
        raise NoSuchOrganization("There is no such organization.")
    organization, taken = row
    plan = PLANS[organization.plan]
    return LimitsRead(
        plan=organization.plan,
        seats=SeatsRead(used=taken, limit=seat_limits.seat_limit(organization)),
        requests_per_minute=organization.request_limit if organization.request_limit is not None else plan.requests_per_minute,
        history_days=plan.history_days,
        has_api_access=plan.has_api_access,
    )
