"""The mails of identity: which event asks for which, and what they say.

A function of LETTERS gets the event's payload and `send`, by which a mail of that event leaves once, however often the event comes.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from parley.identity.accounts import email_links
from parley.identity.declared import IdentityEvent
from parley.identity.mails import invitation_mail, security_alert_mail, single_sign_on_mail
from parley.identity.models import User, VerificationKind
from parley.kernel.access.callers import Caller
from parley.kernel.persistence import transactions
from parley.notifications.delivery.sender import Sender
from parley.notifications.email.email_headers import PRODUCT
from parley.notifications.email.email_message import Mail, compose, is_deliverable
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import Words
from parley.notifications.localization.catalogues import marked as _

MailOfEvent = Callable[[Caller, dict[str, Any], Sender], None]
FOLDER = Path(__file__).parents[1] / "templates"
DOMAIN = "identity"

_NOT_YOU = _("If it was not you who asked, ignore this mail: without the link nothing happens.")
_SAID: dict[VerificationKind, tuple[str, str, str, str]] = {
    VerificationKind.REGISTRATION: (
        _("Confirm your address for %(product)s"),
        _("Somebody, hopefully you, registered at %(product)s with this address. Behind the link you choose the account's password."),
        _("Choose a password"),
        _("The link works once, within 24 hours, and a later one instead of it."),
    ),
    VerificationKind.EMAIL: (
        _("Confirm your new address for %(product)s"),
        _("Somebody, hopefully you, is logged in to an account at %(product)s and asked for this to become its address."),
        _("Confirm my new address"),
        _("Confirm only if the account is yours: you will have to prove it. The link works once, within 24 hours."),
    ),
    VerificationKind.MAGIC_LINK: (
        _("Log in to %(product)s"),
        _("You asked for a link that logs you in to %(product)s."),
        _("Log me in"),
        _("The link works once, within 30 minutes."),
    ),
    VerificationKind.PASSWORD_RESET: (
        _("Choose a new password for %(product)s"),
        _("You asked for a new password for your account at %(product)s. Choosing one ends all your sessions."),
        _("Choose a new password"),
        _("The link works once, within an hour."),
    ),
}


def compose_account_mail(
    recipient: str,
    *,
    subject: str,
    paragraphs: list[str],
    entity: str,
    locale: str = languages.DEFAULT,
    link: str | None = None,
    action: str | None = None,
    recipient_name: str = "",
    is_requested: bool = False,
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
        is_requested=is_requested,
        locale=locale,
    )


def _link_created(caller: Caller, payload: dict[str, Any], send: Sender) -> None:
    """A link to an address that has an account, or for a registration to one that has none."""
    link = email_links.of_row(UUID(payload["token_id"]))
    if link is None or link.sent_at is not None or not is_deliverable(link.email):
        return
    mail = _for(link, Words(DOMAIN, languages.chosen(_own_locale(caller, link.owner_id), payload.get("locale"))))
    if mail is None:
        return
    if link.kind is VerificationKind.REGISTRATION:
        email_links.void_earlier(link)
    if not send(mail):
        return
    with transactions.bearing(caller, link.digest) as session:
        email_links.mark_sent(session, link)


def _own_locale(caller: Caller, user_id: UUID | None) -> str | None:
    """The locale of the person whose address it is, if they have chosen one."""
    if user_id is None:
        return None
    with transactions.personal(caller, user_id) as session:
        locale = session.scalar(select(User.locale).where(User.id == user_id))
    return locale if locale != languages.DEFAULT else None


def _for(link: email_links.Link, words: Words) -> Mail | None:
    is_new = link.kind in (VerificationKind.REGISTRATION, VerificationKind.EMAIL)
    if is_new and link.owner_id is not None:
        return compose_account_mail(
            link.email,
            subject=words("You have an account at %(product)s", product=PRODUCT),
            paragraphs=[
                words(
                    "Somebody asked for an account at %(product)s with this address, and there is one already: log in with it.",
                    product=PRODUCT,
                ),
                words("If you do not know your password any more, ask for a new one. If it was not you who asked, ignore this mail."),
            ],
            entity=f"link-{link.id}",
            locale=words.locale,
        )
    if not is_new and link.owner_id is None:
        return None
    subject, why, action, life = _SAID[link.kind]
    return compose_account_mail(
        link.email,
        subject=words(subject, product=PRODUCT),
        paragraphs=[words(why, product=PRODUCT), words(life), words(_NOT_YOU)],
        entity=f"link-{link.id}",
        link=email_links.address(link.id),
        action=words(action),
        is_requested=True,
        locale=words.locale,
    )


def _account_deleted(caller: Caller, payload: dict[str, Any], send: Sender) -> None:
    """To the address that was the account's; once, and then nothing holds it any more."""
    row_id = UUID(payload["token_id"])
    email, digest = email_links.old_address(row_id)
    if email is None:
        return
    if is_deliverable(email):
        words = Words(DOMAIN, languages.chosen(payload.get("locale")))
        send(
            compose_account_mail(
                email,
                subject=words("Your account at %(product)s was deleted", product=PRODUCT),
                paragraphs=[
                    words("Your account was deleted, as somebody who was logged in to it asked. What was known of you went with it."),
                    words("If it was not you, tell whoever runs your organization. With this address you may register again."),
                ],
                entity=f"deleted-{row_id}",
                locale=words.locale,
            )
        )
    with transactions.bearing(caller, digest) as session:
        email_links.forget_row(session, row_id)


MAILS_OF_EVENTS: dict[str, MailOfEvent] = {
    IdentityEvent.LINK_CREATED: _link_created,
    IdentityEvent.SECURITY_ALERT_RAISED: security_alert_mail.send_alert,
    IdentityEvent.ACCOUNT_DELETED: _account_deleted,
    IdentityEvent.INVITATION_CREATED: invitation_mail.send_invitation,
    IdentityEvent.INVITATION_RESENT: invitation_mail.send_invitation,
    **{event: single_sign_on_mail.tell_owner(event) for event in single_sign_on_mail.EVENTS},
}
