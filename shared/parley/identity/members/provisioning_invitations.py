"""People whom a directory or an identity provider brings are asked by mail whether they want to belong: an invitation, as any other."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.declared import IdentityAction, IdentityEvent
from parley.identity.members import invitations
from parley.identity.models import Invitation, InvitationStatus, MemberRole, Organization
from parley.kernel.access.admission import RateLimitExceeded
from parley.kernel.access.callers import Caller
from parley.kernel.audit import audit
from parley.kernel.persistence import outbox
from parley.kernel.values.clock import now
from parley.notifications.limits import outreach, quotas
from parley.notifications.limits.quotas import MailKind

_NO_MEANS_NO = timedelta(days=30)


def invite_by_mail(session: Session, caller: Caller, address: str, role: MemberRole, invited_by: UUID | None) -> None:
    """Ask somebody by mail whether they want to belong; not again while they have not answered, or for a month after they said no."""
    organization_id = session.info["caller"].organization_id
    conditions = Invitation.organization_id == organization_id, Invitation.email == address, Invitation.team_id.is_(None)
    was_no = (Invitation.status == InvitationStatus.DECLINED) & (Invitation.updated_at > now() - _NO_MEANS_NO)
    invitations.lapse(session, address, None)
    if session.scalar(select(Invitation.id).where(*conditions, invitations.is_open() | was_no).limit(1)) is not None:
        return
    made = Invitation(organization_id=organization_id, email=address, role=role, invited_by=invited_by, expires_at=now() + invitations.LIFE)
    made.token_hash = invitations.digest(invitations.token(made))
    session.add(made)
    session.flush()
    audit.record(session, caller, IdentityAction.INVITATION_CREATED, made, new={"role": role.value})
    organization = session.get(Organization, organization_id)
    if organization is None or not _may_mail(session, caller, organization, address):
        return
    outbox.announce(session, IdentityEvent.INVITATION_CREATED, invitation_id=made.id)


def _may_mail(session: Session, caller: Caller, organization: Organization, address: str) -> bool:
    """Counted as every invitation. One too many is not sent, and nobody is told by that: it waits, to be sent again by who invites."""
    try:
        quotas.spend(session, MailKind.INVITATION, address, *outreach.spending(organization, caller))
    except RateLimitExceeded:
        return False
    return True
