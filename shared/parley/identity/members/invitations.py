"""Invitations, as an organization sees them: made, sent again, taken back. Who is invited finds them in `invitation_acceptance`.

A token names its organization and is derived from the invitation, so that it is looked up where it belongs, and the worker that writes the
mail can make it again; its digest is all that is stored. Sent again, an invitation lives until another instant, and the old token is none.
"""

import base64
import math
from datetime import UTC, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from parley.identity.billing import seat_limits
from parley.identity.declared import IdentityAction, IdentityEvent
from parley.identity.members.schemas import InvitationCreate, InvitationRead
from parley.identity.members.teams import NoSuchTeam
from parley.identity.models import Invitation, InvitationStatus, MemberRole, Organization, OrganizationMember, Team, User
from parley.identity.roles import member_rights, organization_lock, role_policy
from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.persistence.pagination import Page, page
from parley.kernel.postgres.deferred import execute_later
from parley.kernel.postgres.integrity_errors import violation_means
from parley.kernel.values import secret_hashes
from parley.kernel.values.clock import now
from parley.kernel.values.errors import Conflict, NotFound, TooManyRequests
from parley.kernel.values.settings import setting
from parley.notifications.limits import outreach, quotas
from parley.notifications.limits.quotas import MailKind

LIFE = timedelta(days=7)
PAUSE = timedelta(minutes=1)
"""Between sending an invitation again and sending it once more."""
_PURPOSE = "invitation"


class NoSuchInvitation(NotFound):
    """There is none, or it is another organization's."""


class AlreadyInvited(Conflict):
    """An invitation of this address to this place waits for an answer."""


class AlreadyMember(Conflict):
    """Who is invited belongs to the organization."""


class NotPending(Conflict):
    """The invitation was answered or taken back."""


class SentJustNow(TooManyRequests):
    """The invitation was sent again less than a minute ago."""


def token(invitation: Invitation) -> str:
    """The secret of the link: 22 characters of the organization's id, 43 derived."""
    organization_id, until = invitation.organization_id, invitation.expires_at.astimezone(UTC).isoformat()
    named = base64.urlsafe_b64encode(organization_id.bytes).rstrip(b"=").decode()
    return named + secret_hashes.derive(_PURPOSE, organization_id, invitation.id, until)


def digest(secret: str) -> str:
    return secret_hashes.digest(_PURPOSE, secret)


def address(invitation: Invitation) -> str:
    """The URL of the page that the link opens."""
    return f"{setting('PUBLIC_URL').rstrip('/')}/invitations/{token(invitation)}"


def is_open() -> ColumnElement[bool]:
    """Whether an invitation can still be answered."""
    return and_(Invitation.status == InvitationStatus.PENDING, Invitation.expires_at > now())


def read(invitation: Invitation) -> InvitationRead:
    """The invitation as it is now: one whose time is over has expired, whoever has noticed."""
    is_over = invitation.status is InvitationStatus.PENDING and invitation.expires_at <= now()
    shown = {name: getattr(invitation, name) for name in InvitationRead.model_fields}
    return InvitationRead.model_validate(shown | ({"status": InvitationStatus.EXPIRED} if is_over else {}))


def invite(session: Session, caller: Caller, wanted: InvitationCreate) -> Invitation:
    """Invite an address to the organization, or to a team of it. A seat is kept for who is new.

    Raises `NoSuchTeam`, `RoleAboveYours`, `OwnerByTransferOnly`, `AlreadyMember`, `AlreadyInvited`, `PlanLimit`, `RateLimitExceeded`.
    """
    organization = organization_lock.lock_organization(session)
    lapse(session, wanted.email, wanted.team_id)
    _check(session, caller, organization, wanted.email, wanted.role, wanted.team_id)
    invitation = Invitation(
        organization_id=organization.id,
        email=wanted.email,
        role=wanted.role,
        team_id=wanted.team_id,
        invited_by=caller.person_id,
        expires_at=now() + LIFE,
    )
    invitation.token_hash = digest(token(invitation))
    session.add(invitation)
    with violation_means("uq_invitations_pending", _already_invited()):
        session.flush()
    quotas.spend(session, MailKind.INVITATION, invitation.email, *outreach.spending(organization, caller))

    audit.record(session, caller, IdentityAction.INVITATION_CREATED, invitation, new={"role": wanted.role.value}, team_id=wanted.team_id)
    outbox.announce(session, IdentityEvent.INVITATION_CREATED, invitation_id=invitation.id)
    return invitation


def invitations(session: Session, *, status: InvitationStatus | None, limit: int, cursor: str | None) -> Page[InvitationRead]:
    """A page of invitations, the newest first. One query."""
    wanted = select(Invitation)
    if status is InvitationStatus.PENDING:
        wanted = wanted.where(is_open())
    elif status is InvitationStatus.EXPIRED:
        is_over = and_(Invitation.status == InvitationStatus.PENDING, Invitation.expires_at <= now())
        wanted = wanted.where(or_(Invitation.status == status, is_over))
    elif status is not None:
        wanted = wanted.where(Invitation.status == status)
    rows, following = page(session, wanted, [Invitation.id], cursor=cursor, limit=limit)
    return Page(items=[read(row) for row in rows], next_cursor=following)


def invitation(session: Session, invitation_id: UUID, *, locked: bool = False) -> Invitation:
    """Raises `NoSuchInvitation`."""
    wanted = select(Invitation).where(Invitation.id == invitation_id)
    row = session.scalar(wanted.with_for_update() if locked else wanted)
    if row is None:
        raise NoSuchInvitation("There is no such invitation.")
    return row


def resend(session: Session, caller: Caller, invitation_id: UUID) -> Invitation:
    """Send a new link, good for seven days; the old one is dead. One whose time is over is revived.

    Raises `NoSuchInvitation`, `NotPending`, `SentJustNow` and what `invite` raises.
    """
    organization = organization_lock.lock_organization(session)
    row = invitation(session, invitation_id, locked=True)
    if row.status is not InvitationStatus.PENDING:
        raise NotPending("This invitation was answered or taken back; make a new one.")
    _refuse_haste(row)
    _check(session, caller, organization, row.email, row.role, row.team_id, instead_of=row.id)
    row.expires_at, row.mailed_at = now() + LIFE, None
    row.invited_by = caller.person_id  # who answers for it from now on
    row.token_hash = digest(token(row))
    quotas.spend(session, MailKind.INVITATION, row.email, *outreach.spending(organization, caller))

    audit.record(session, caller, IdentityAction.INVITATION_RESENT, row, team_id=row.team_id)
    outbox.announce(session, IdentityEvent.INVITATION_RESENT, invitation_id=row.id)
    return row


def _refuse_haste(sent: Invitation) -> None:
    """The first time does not wait: a mail gets lost. `expires_at` says when it was sent last. Raises `SentJustNow`."""
    sent_at = sent.expires_at - LIFE
    wait = math.ceil((sent_at + PAUSE - now()).total_seconds())
    if sent_at > sent.created_at and wait > 0:
        refusal = SentJustNow(f"This invitation was sent again just now; wait {wait} s before you send it once more.")
        refusal.headers = {"retry-after": str(wait)}
        raise refusal


def revoke(session: Session, caller: Caller, invitation_id: UUID) -> None:
    """Take an invitation back: it shows as expired. Doing it again changes nothing. Raises `NoSuchInvitation`, `NotPending`."""
    row = invitation(session, invitation_id, locked=True)
    if row.status is InvitationStatus.EXPIRED:
        return
    if row.status is not InvitationStatus.PENDING:
        raise NotPending("This invitation was answered already.")
    _take_back(session, caller, row)


def end_of(session: Session, caller: Caller, inviter_id: UUID, role: MemberRole | None) -> None:
    """Take back what somebody has invited to and may not any more: they have this role from now on, None for none."""
    query = select(Invitation).where(Invitation.invited_by == inviter_id, is_open()).order_by(Invitation.id).with_for_update()
    for pending in session.scalars(query).all():
        if not member_rights.could_invite(role, pending.role):
            _take_back(session, caller, pending)


def _take_back(session: Session, caller: Caller, pending: Invitation) -> None:
    pending.status, pending.expires_at = InvitationStatus.EXPIRED, min(pending.expires_at, now())
    audit.record(session, caller, IdentityAction.INVITATION_REVOKED, pending, team_id=pending.team_id)
    outbox.announce(session, IdentityEvent.INVITATION_REVOKED, invitation_id=pending.id)


def lapse(session: Session, email: str, team_id: UUID | None) -> None:
    """What the address did not answer in time does not stand in the way of a new invitation. It travels with the next statement."""
    over = update(Invitation).where(
        Invitation.email == email,
        Invitation.team_id.is_not_distinct_from(team_id),
        Invitation.status == InvitationStatus.PENDING,
        Invitation.expires_at <= now(),
    )
    execute_later(session, over.values(status=InvitationStatus.EXPIRED, updated_at=now()))


def _check(
    session: Session,
    caller: Caller,
    organization: Organization,
    email: str,
    role: MemberRole,
    team_id: UUID | None,
    instead_of: UUID | None = None,
) -> None:
    """Whether the caller may invite the address there. One query, in a locked organization."""
    belongs = (
        select(OrganizationMember.id)
        .join(User, User.id == OrganizationMember.user_id)
        .where(OrganizationMember.organization_id == organization.id, User.email == email)
    )
    waits = select(Invitation.id).where(
        Invitation.email == email, Invitation.team_id.is_not_distinct_from(team_id), is_open(), Invitation.id.is_distinct_from(instead_of)
    )
    own, is_member, is_invited, has_team, taken = session.execute(
        select(
            role_policy.role_of(caller),
            belongs.exists(),
            waits.exists(),
            select(Team.id).where(Team.id == team_id).exists(),
            seat_limits.seats_used_query(organization.id, address=email),
        )
    ).one()
    if team_id is not None and not has_team:
        raise NoSuchTeam("There is no such team.")
    role_policy.require_may_grant(MemberRole.OWNER if caller.actor_type is ActorType.SYSTEM else own or MemberRole.VIEWER, role)
    if is_member and team_id is None:
        raise AlreadyMember("This address belongs to a member already.")
    if is_invited:
        raise _already_invited()
    if not is_member:
        seat_limits.refuse_beyond_limit(organization, taken)


def _already_invited() -> AlreadyInvited:
    return AlreadyInvited("An invitation of this address waits for an answer; send it again or take it back first.")
