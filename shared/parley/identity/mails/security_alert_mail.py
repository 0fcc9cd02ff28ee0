"""The mail of a security alert: what changed, and the link for who did not change it."""

from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from parley.identity.accounts import email_links
from parley.identity.accounts.security_alerts import SecurityChange
from parley.identity.models import User, VerificationToken
from parley.kernel.access.callers import Caller
from parley.kernel.persistence import transactions
from parley.kernel.values.clock import now
from parley.notifications.delivery.sender import Sender
from parley.notifications.email.email_headers import PRODUCT
from parley.notifications.email.email_message import Mail, compose, is_deliverable, single_line
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import Words
from parley.notifications.localization.catalogues import marked as _

FOLDER = Path(__file__).parents[1] / "templates"
DOMAIN = "identity"
_TEXTS: dict[SecurityChange, tuple[str, str]] = {
    SecurityChange.PASSWORD: (
        _("Your password for %(product)s was changed"),
        _("The password of your account was changed. Other sessions have ended."),
    ),
    SecurityChange.EMAIL: (
        _("The address of your account at %(product)s was changed"),
        _("Another address was confirmed for your account; this one does not open it any more. For a week you can take it back."),
    ),
    SecurityChange.EMAIL_TAKEN_BACK: (
        _("The address of your account at %(product)s was changed"),
        _("Who reads the address that the account had before has taken it back, and all sessions have ended."),
    ),
    SecurityChange.SECOND_FACTOR_ON: (
        _("Your second factor for %(product)s is on"),
        _("An authenticator was set up for your account; a code of it is asked for when somebody logs in."),
    ),
    SecurityChange.SECOND_FACTOR_OFF: (
        _("Your second factor for %(product)s is off"),
        _("Logging in to your account takes no code any more."),
    ),
    SecurityChange.RECOVERY_CODES: (
        _("Your recovery codes for %(product)s are new"),
        _("New recovery codes were made; the old ones are void."),
    ),
    SecurityChange.PROVIDER_LINKED: (
        _("Another way into your account at %(product)s"),
        _("An account at %(provider)s logs in to yours from now on."),
    ),
    SecurityChange.PROVIDER_UNLINKED: (
        _("One way less into your account at %(product)s"),
        _("An account at %(provider)s opens yours no more."),
    ),
    SecurityChange.API_KEY: (
        _("A new API key of yours at %(product)s"),
        _("An API key was made in your name for an organization of yours."),
    ),
}
_WAYS_IN = {"second_factor": _("second factor")}
_NOT_ME = _("If it was not you, use the link: the page says what it undoes, and does it when you say so. It works once, within 7 days.")
_DROPPED = _("With it went ways in that were older than this address: %(dropped)s.")


def send_alert(caller: Caller, payload: dict[str, Any], send: Sender) -> None:
    """Tell the person, once."""
    user_id, alert_id = UUID(payload["user_id"]), UUID(payload["token_id"])
    waiting = select(VerificationToken, User.email, User.locale).join(User, User.id == VerificationToken.user_id)
    with transactions.personal(caller, user_id) as session:
        row = session.execute(waiting.where(VerificationToken.id == alert_id, VerificationToken.sent_at.is_(None))).one_or_none()
    if row is None:
        return
    alert, email, locale = row
    recipient = alert.email or email
    if recipient is not None and is_deliverable(recipient):
        send(_letter(alert, recipient, Words(DOMAIN, languages.chosen(locale))))
    with transactions.personal(caller, user_id) as session:
        session.execute(update(VerificationToken).where(VerificationToken.id == alert_id).values(sent_at=now()))


def _letter(alert: VerificationToken, recipient: str, words: Words) -> Mail:
    wanted = alert.wanted or {}
    subject, what = _TEXTS[SecurityChange(wanted["change"])]
    opens = alert.used_at is None
    paragraphs = [words(what, provider=single_line(str(wanted.get("provider", "")).capitalize()))]
    if wanted.get("dropped"):
        dropped = ", ".join(words(_WAYS_IN[name]) if name in _WAYS_IN else name for name in wanted["dropped"])
        paragraphs.append(words(_DROPPED, dropped=dropped))
    return compose(
        recipient=recipient,
        subject=words(subject, product=PRODUCT),
        template="letter",
        folder=FOLDER,
        paragraphs=[*paragraphs, *([words(_NOT_ME)] if opens else [])],
        entity=f"alert-{alert.id}",
        link=email_links.address(alert.id) if opens else None,
        action=words("This was not me") if opens else None,
        locale=words.locale,
    )
