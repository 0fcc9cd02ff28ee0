"""The mail that brings an invitation."""

from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from parley.identity.members import invitations, member_profiles
from parley.identity.models import Invitation, Organization, OrganizationMember, Team, User
from parley.identity.roles.role_names import ROLES
from parley.kernel.access.callers import Caller
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.notifications.delivery.sender import Sender
from parley.notifications.email.email_headers import PRODUCT
from parley.notifications.email.email_message import Mail, compose, is_deliverable, single_line
from parley.notifications.localization import formats, languages
from parley.notifications.localization.catalogues import Words

FOLDER = Path(__file__).parents[1] / "templates"
DOMAIN = "identity"


def send_invitation(caller: Caller, payload: dict[str, Any], send: Sender) -> None:
    """Send the link, once for each token."""
    invitation_id = UUID(payload["invitation_id"])
    with transactions.transaction(caller) as session:
        row = session.execute(
            select(Invitation, Organization.name, Team.name, member_profiles.member_name(), Organization.locale)
            .join(Organization, Organization.id == Invitation.organization_id)
            .outerjoin(Team, Team.id == Invitation.team_id)
            .outerjoin(User, User.id == Invitation.invited_by)
            .outerjoin(
                OrganizationMember,
                (OrganizationMember.organization_id == Invitation.organization_id) & (OrganizationMember.user_id == Invitation.invited_by),
            )
            .where(Invitation.id == invitation_id, Invitation.mailed_at.is_(None), invitations.is_open())
        ).one_or_none()
    if row is None or not is_deliverable(row[0].email):
        return
    invitation, organization_name, team_name, inviter_name, locale = row
    words = Words(DOMAIN, languages.chosen(locale))
    if not send(_letter(invitation, single_line(organization_name), single_line(team_name) if team_name else None, inviter_name, words)):
        return
    # Of this token: one that was asked for since has another end, and a letter of its own.
    statement = update(Invitation).where(Invitation.id == invitation_id, Invitation.expires_at == invitation.expires_at)
    with transactions.transaction(caller) as session:
        session.execute(statement.values(mailed_at=now()))


def _letter(invitation: Invitation, organization_name: str, team_name: str | None, inviter_name: str | None, words: Words) -> Mail:
    destination = (
        words("the team %(team)s of %(organization)s", team=team_name, organization=organization_name) if team_name else organization_name
    )
    who = single_line(inviter_name) if inviter_name else words("Somebody there")
    until = formats.short_date(invitation.expires_at.date(), words.locale)
    return compose(
        recipient=invitation.email,
        subject=words("You are invited to %(organization)s at %(product)s", organization=organization_name, product=PRODUCT),
        template="letter",
        folder=FOLDER,
        entity=f"invitation-{invitation.id}-{int(invitation.expires_at.timestamp())}",
        sender=organization_name,
        paragraphs=[
            words(
                "%(who)s invites you to %(destination)s, as %(role)s.", who=who, destination=destination, role=words(ROLES[invitation.role])
            ),
            words("The link is for %(address)s, works once, and is good until %(until)s (UTC).", address=invitation.email, until=until),
            words("If you do not know what this is about, ignore this mail or decline on the page."),
        ],
        link=invitations.address(invitation),
        action=words("See the invitation"),
        locale=words.locale,
    )
