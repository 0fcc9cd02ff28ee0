"""The page behind a link in a mail: plain HTML with one form. Looking at it changes nothing, so a scanner of mails uses nothing up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from parley.identity import challenges, links, log_in, mailed, registering
from parley.identity.links import Link
from parley.identity.models import VerificationKind
from parley.identity.sessions import Started
from parley.kernel import templates
from parley.kernel.callers import Caller
from parley.kernel.mail_headers import PRODUCT
from parley.kernel.texts import Line

FOLDER = Path(__file__).parent / "templates"


Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Kind:
    """`fields` are what the form asks for: `password`, `name`."""

    heading: str
    action: str
    ending: str
    redeem: Callable[[Caller, Link, Form], Started | None]
    fields: tuple[str, ...] = ()


def _register(caller: Caller, link: Link, form: Form) -> Started:
    return registering.verify(caller, link, password=form.get("password", ""), name=_name(form.get("name")))


def _reset(caller: Caller, link: Link, form: Form) -> None:
    mailed.reset_password(caller, link, form.get("password", ""))


def _confirm(caller: Caller, link: Link, _: Form) -> None:
    mailed.confirm_email(caller, link)


def _log_in(caller: Caller, link: Link, _: Form) -> Started:
    return mailed.log_in_by_link(caller, link)


_LINE: TypeAdapter[str] = TypeAdapter(Line)


def _name(text: str | None) -> str | None:
    """A name as the API takes it; what it would not take is no name."""
    try:
        return _LINE.validate_python(text) if text and text.strip() else None
    except ValidationError:
        return None


_KINDS: dict[VerificationKind, _Kind] = {
    VerificationKind.REGISTRATION: _Kind(
        f"Choose your password for {PRODUCT}",
        "Make my account",
        "Your account is made, and you are logged in.",
        _register,
        ("name", "password"),
    ),
    VerificationKind.EMAIL: _Kind(
        f"Confirm your new address for {PRODUCT}", "Confirm my new address", "This is the address of your account now.", _confirm
    ),
    VerificationKind.MAGIC_LINK: _Kind(f"Log in to {PRODUCT}", "Log me in", "You are logged in.", _log_in),
    VerificationKind.PASSWORD_RESET: _Kind(
        f"Choose a new password for {PRODUCT}", "Set my password", "Your password is changed; log in with it.", _reset, ("password",)
    ),
}


def headers() -> dict[str, str]:
    return templates.page_headers(FOLDER)


def show(secret: str) -> str:
    """The page of a link that can still be used. Raises `LinkNotValid`."""
    return _asking(links.find(secret), [], {})


def submit(caller: Caller, secret: str, form: Form) -> tuple[Started | None, str]:
    """What the form does: the session that has begun, if one has, and the page that says so.

    Raises what redeeming the link raises, but not `SecondFactorRequired`: then the page asks for the code.
    """
    if "challenge" in form:
        started: Started | None = log_in.answer_challenge(caller, form["challenge"], form.get("code", ""))
        return started, _page("You are logged in.", [])
    link = links.find(secret)
    kind = _KINDS[link.kind]
    try:
        started = kind.redeem(caller, link, form)
    except challenges.SecondFactorRequired as required:
        return None, _page(kind.heading, [], action=kind.action, challenge=required.extensions["challenge"])
    return started, _page(kind.ending, ["You can close this page."])


def asked_again(why: str, secret: str, form: Form) -> str:
    """The page after a password that is not accepted: it asks for another one, and keeps the rest. Raises `LinkNotValid`."""
    return _asking(links.find(secret), [why], form, is_wrong=True)


def refused(why: str, challenge: str | None = None) -> str:
    """The page after a refusal. With the challenge of a second factor, it asks again."""
    heading = "Try again" if challenge else "This did not work"
    return _page(heading, [why], action="Go on" if challenge else None, challenge=challenge, is_wrong=True)


def _asking(link: Link, paragraphs: list[str], form: Form, *, is_wrong: bool = False) -> str:
    kind = _KINDS[link.kind]
    typed = form.get("name") if "name" in form else (link.wanted or {}).get("name")
    return _page(kind.heading, paragraphs, action=kind.action, fields=kind.fields, name=typed or "", email=link.email, is_wrong=is_wrong)


def _page(
    heading: str,
    paragraphs: list[str],
    *,
    action: str | None = None,
    challenge: str | None = None,
    fields: tuple[str, ...] = (),
    name: str = "",
    email: str = "",
    is_wrong: bool = False,
) -> str:
    shown = {"paragraphs": paragraphs, "action": action, "challenge": challenge, "fields": fields, "name": name, "email": email}
    return templates.render(FOLDER, "link.html", style=templates.style(FOLDER), heading=heading, is_wrong=is_wrong, **shown)
