"""The mails of identity: which event asks for which, and what they say.

A function of LETTERS gets the event's payload and `send`, by which a mail of that event leaves once, however often the event comes.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from parley.identity import alert_letter, alerts, federation_letter, invitation_letter, invitations, links, mailed
from parley.identity.models import VerificationKind
from parley.kernel import db
from parley.kernel.callers import Caller
from parley.notifications.email_headers import PRODUCT
from parley.notifications.email_message import Mail, compose, is_deliverable
from parley.notifications.sender import Sender

Letter = Callable[[Caller, dict[str, Any], Sender], None]
FOLDER = Path(__file__).parent / "templates"

_NOT_YOU = "If it was not you who asked, ignore this mail: without the link nothing happens."
_SAID: dict[VerificationKind, tuple[str, str, str, str]] = {
    VerificationKind.REGISTRATION: (
        f"Confirm your address for {PRODUCT}",
        f"Somebody, hopefully you, registered at {PRODUCT} with this address. Behind the link you choose the account's password.",
        "Choose a password",
        "The link works once, within 24 hours, and a later one instead of it.",
    ),
    VerificationKind.EMAIL: (
        f"Confirm your new address for {PRODUCT}",
        f"Somebody, hopefully you, is logged in to an account at {PRODUCT} and asked for this to become its address.",
        "Confirm my new address",
        "Confirm only if the account is yours: you will have to prove it. The link works once, within 24 hours.",
    ),
    VerificationKind.MAGIC_LINK: (
        f"Log in to {PRODUCT}",
        f"You asked for a link that logs you in to {PRODUCT}.",
        "Log me in",
        "The link works once, within 30 minutes.",
    ),
    VerificationKind.PASSWORD_RESET: (
        f"Choose a new password for {PRODUCT}",
        f"You asked for a new password for your account at {PRODUCT}. Choosing one ends all your sessions.",
        "Choose a new password",
        "The link works once, within an hour.",
    ),
}


def letter(
    recipient: str,
    *,
    subject: str,
    paragraphs: list[str],
    entity: str,
    link: str | None = None,
    action: str | None = None,
    recipient_name: str = "",
) -> Mail:
    """A mail of a few sentences, with a link or without. `action` says what the link does."""
    return compose(
        recipient=recipient,
        recipient_name=recipient_name,
        subject=subject,
        template="letter",
        folder=FOLDER,
        entity=entity,
        paragraphs=paragraphs,
        link=link,
        action=action,
    )


def _link_created(caller: Caller, payload: dict[str, Any], send: Sender) -> None:
    """A link to an address that has an account, or for a registration to one that has none."""
    link = links.of_row(UUID(payload["token_id"]))
    if link is None or link.sent_at is not None or not is_deliverable(link.email):
        return
    mail = _for(link)
    if mail is None:
        return
    if link.kind is VerificationKind.REGISTRATION:
        links.void_earlier(link)
    send(mail)
    with db.bearing(caller, link.digest) as session:
        links.mark_sent(session, link)


def _for(link: links.Link) -> Mail | None:
    is_new = link.kind in (VerificationKind.REGISTRATION, VerificationKind.EMAIL)
    if is_new and link.owner_id is not None:
        return letter(
            link.email,
            subject=f"You have an account at {PRODUCT}",
            paragraphs=[
                f"Somebody asked for an account at {PRODUCT} with this address, and there is one already: log in with it.",
                "If you do not know your password any more, ask for a new one. If it was not you who asked, ignore this mail.",
            ],
            entity=f"link-{link.id}",
        )
    if not is_new and link.owner_id is None:
        return None
    subject, why, action, life = _SAID[link.kind]
    return letter(
        link.email,
        subject=subject,
        paragraphs=[why, life, _NOT_YOU],
        entity=f"link-{link.id}",
        link=links.address(link.id),
        action=action,
    )


def _account_deleted(caller: Caller, payload: dict[str, Any], send: Sender) -> None:
    """To the address that was the account's; once, and then nothing holds it any more."""
    row_id = UUID(payload["token_id"])
    email, digest = links.old_address(row_id)
    if email is None:
        return
    if is_deliverable(email):
        send(
            letter(
                email,
                subject=f"Your account at {PRODUCT} was deleted",
                paragraphs=[
                    "Your account was deleted, as somebody who was logged in to it asked. What was known of you went with it.",
                    "If it was not you, tell whoever runs your organization. With this address you may register again.",
                ],
                entity=f"deleted-{row_id}",
            )
        )
    with db.bearing(caller, digest) as session:
        links.forget_row(session, row_id)


LETTERS: dict[str, Letter] = {
    links.CREATED: _link_created,
    alerts.RAISED: alert_letter.send_alert,
    mailed.ACCOUNT_DELETED: _account_deleted,
    invitations.CREATED: invitation_letter.send_invitation,
    invitations.RESENT: invitation_letter.send_invitation,
    **{event: federation_letter.tell_owner(event) for event in federation_letter.EVENTS},
}
