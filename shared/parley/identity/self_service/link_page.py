"""The page behind a link in a mail: plain HTML with one form. Looking at it changes nothing, so a scanner of mails uses nothing up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from parley.identity.accounts import email_links
from parley.identity.accounts.email_links import Link
from parley.identity.log_in import authentication, mfa_challenge
from parley.identity.models import VerificationKind
from parley.identity.self_service import account_recovery, address_change, magic_link, password_reset, registration
from parley.identity.sessions.log_in_sessions import LogInSession
from parley.kernel.access.callers import Caller
from parley.kernel.values.fields import Line
from parley.notifications import templates
from parley.notifications.email.email_headers import PRODUCT
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import Words
from parley.notifications.localization.catalogues import marked as _

FOLDER = Path(__file__).parents[1] / "templates"


LinkForm = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Kind:
    """`fields` are what the form asks for: `name`, `password`, `proof` (the current password or a code).

    `redeem` gives the session that has begun, if one has.
    """

    heading: str
    action: str
    ending: str
    redeem: Callable[[Caller, Link, LinkForm], LogInSession | None]
    fields: tuple[str, ...] = ()
    paragraphs: tuple[str, ...] = ()


def _register(caller: Caller, link: Link, form: LinkForm) -> LogInSession:
    return registration.verify(caller, link, password=form.get("password", ""), name=_name(form.get("name")))


def _reset(caller: Caller, link: Link, form: LinkForm) -> None:
    password_reset.reset_password(caller, link, form.get("password", ""), drops_older="drop_older_ways_in" in form)


def _confirm(caller: Caller, link: Link, form: LinkForm) -> None:
    address_change.confirm_email_with_proof(caller, link, form.get("current_password") or None, form.get("code") or None)


def _undo(caller: Caller, link: Link, form: LinkForm) -> None:
    account_recovery.undo(caller, link)


def _log_in(caller: Caller, link: Link, form: LinkForm) -> LogInSession:
    return magic_link.log_in_by_link(caller, link)


_LINE: TypeAdapter[str] = TypeAdapter(Line)


def _name(text: str | None) -> str | None:
    """A name as the API takes it; what it would not take is no name."""
    try:
        return _LINE.validate_python(text) if text and text.strip() else None
    except ValidationError:
        return None


DOMAIN = "identity"
_LOGGED_IN = _("You are logged in.")
UNDONE = (
    _("The button ends every session of your account, and its password."),
    _("What is younger than the change that you were told of goes: API keys of yours, second factor, recovery codes, linked providers."),
    _("If the account has had another address since then, it gets back the one from before."),
    _("What is older stays. A second factor or an account of a provider that somebody took out is not put back: set it up again."),
    _("A link to choose a new password then goes to the account's address. This works once; if the change was yours, close the page."),
)
_KINDS: dict[VerificationKind, _Kind] = {
    VerificationKind.REGISTRATION: _Kind(
        _("Choose your password for %(product)s"),
        _("Make my account"),
        _("Your account is made, and you are logged in."),
        _register,
        ("name", "password"),
    ),
    VerificationKind.EMAIL: _Kind(
        _("Confirm your new address for %(product)s"),
        _("Confirm my new address"),
        _("This is the address of your account now."),
        _confirm,
        ("proof",),
        (
            _("Whoever has the account gets this address with it. So prove that it is yours: with its password, or with a code."),
            _("An account that has neither is logged in to, and confirms there: the last part of this page's address is the token for it."),
        ),
    ),
    VerificationKind.MAGIC_LINK: _Kind(_("Log in to %(product)s"), _("Log me in"), _("You are logged in."), _log_in),
    VerificationKind.PASSWORD_RESET: _Kind(
        _("Choose a new password for %(product)s"),
        _("Set my password"),
        _("Your password is changed; log in with it."),
        _reset,
        ("password",),
    ),
    VerificationKind.SECURITY_ALERT: _Kind(
        _("This was not me"),
        _("It was not me: undo it"),
        _(
            "It is undone. A mail with a link to a new password is on its way "
            "to your account's address: the old one opens nothing any more."
        ),
        _undo,
        paragraphs=UNDONE,
    ),
}


def headers() -> dict[str, str]:
    return templates.page_headers(FOLDER)


def show(caller: Caller, secret: str) -> str:
    """The page of a link that can still be used. Raises `LinkNotValid`."""
    return _asking(caller, email_links.find(secret), [], {})


def submit(caller: Caller, secret: str, form: LinkForm) -> tuple[LogInSession | None, str]:
    """What the form does: the session that has begun, if one has, and the page that says so.

    Raises what redeeming the link raises, but not `SecondFactorRequired`: then the page asks for the code.
    """
    words = _words(caller)
    if "challenge" in form:
        return authentication.answer_challenge(caller, form["challenge"], form.get("code", "")), _page(words, words(_LOGGED_IN), [])
    link = email_links.find(secret)
    kind = _KINDS[link.kind]
    try:
        outcome = kind.redeem(caller, link, form)
    except mfa_challenge.SecondFactorRequired as required:
        challenge = required.extensions["challenge"]
        return None, _page(words, words(kind.heading, product=PRODUCT), [], action=words(kind.action), challenge=challenge)
    return outcome, _page(words, words(kind.ending), [words("You can close this page.")])


def retry_page(caller: Caller, why: str, secret: str, form: LinkForm) -> str:
    """The page after a password or code that is not accepted: it asks for another one, and keeps the rest. Raises `LinkNotValid`."""
    words = _words(caller)
    if "challenge" in form:
        return refusal_page(why, form["challenge"], words.locale)
    return _asking(caller, email_links.find(secret), [words(why)], form, is_wrong=True)


def refusal_page(why: str, challenge: str | None = None, locale: str = languages.DEFAULT) -> str:
    """The page after a refusal. With the challenge of a second factor, it asks again."""
    words = Words(DOMAIN, locale)
    heading = words("Try again") if challenge else words("This did not work")
    return _page(words, heading, [words(why)], action=words("Go on") if challenge else None, challenge=challenge, is_wrong=True)


def _words(caller: Caller) -> Words:
    return Words(DOMAIN, languages.chosen(languages.accepted(caller.accept_language)))


def _asking(caller: Caller, link: Link, paragraphs: list[str], form: LinkForm, *, is_wrong: bool = False) -> str:
    kind, words = _KINDS[link.kind], _words(caller)
    older = password_reset.older_ways_in(caller, link) if link.kind is VerificationKind.PASSWORD_RESET else []
    paragraphs = [*paragraphs, *(words(paragraph) for paragraph in kind.paragraphs)]
    typed = form.get("name") if "name" in form else (link.wanted or {}).get("name")
    shown: dict[str, Any] = {
        "fields": kind.fields,
        "name": typed or "",
        "email": link.email,
        "older": [words(name.replace("_", " ")) for name in older],
    }
    return _page(words, words(kind.heading, product=PRODUCT), paragraphs, action=words(kind.action), is_wrong=is_wrong, **shown)


def _page(
    words: Words,
    heading: str,
    paragraphs: list[str],
    *,
    action: str | None = None,
    challenge: str | None = None,
    is_wrong: bool = False,
    **more: Any,
) -> str:
    shown = {"fields": (), "older": [], "_": words, "lang": words.locale} | more
    shown |= {"heading": heading, "paragraphs": paragraphs, "action": action, "challenge": challenge, "is_wrong": is_wrong}
    return templates.render(FOLDER, "link.html", style=templates.style(FOLDER), **shown)
