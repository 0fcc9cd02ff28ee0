"""The page behind a link in a mail: plain HTML with one form. Looking at it changes nothing, so a scanner of mails uses nothing up."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from parley.identity import challenges, links, log_in, mailed, registering
from parley.identity.links import Link
from parley.identity.models import VerificationKind
from parley.identity.sessions import Started
from parley.kernel import templates
from parley.kernel.callers import Caller
from parley.kernel.mail_headers import PRODUCT

FOLDER = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class _Kind:
    heading: str
    action: str
    ending: str
    redeem: Callable[[Caller, Link, str], Started | None]


def _reset(caller: Caller, link: Link, password: str) -> None:
    mailed.reset_password(caller, link, password)


def _confirm(caller: Caller, link: Link, _: str) -> None:
    mailed.confirm_email(caller, link)


_KINDS: dict[VerificationKind, _Kind] = {
    VerificationKind.REGISTRATION: _Kind(
        f"Confirm your address for {PRODUCT}",
        "Confirm my address",
        "Your account is made, and you are logged in.",
        lambda caller, link, _: registering.verify(caller, link),
    ),
    VerificationKind.EMAIL: _Kind(
        f"Confirm your new address for {PRODUCT}", "Confirm my new address", "This is the address of your account now.", _confirm
    ),
    VerificationKind.MAGIC_LINK: _Kind(
        f"Log in to {PRODUCT}", "Log me in", "You are logged in.", lambda caller, link, _: mailed.log_in_by_link(caller, link)
    ),
    VerificationKind.PASSWORD_RESET: _Kind(
        f"Choose a new password for {PRODUCT}", "Set my password", "Your password is changed; log in with it.", _reset
    ),
}


def headers() -> dict[str, str]:
    return templates.page_headers(FOLDER)


def show(secret: str) -> str:
    """The page of a link that can still be used. Raises `LinkNotValid`."""
    link = links.find(secret)
    kind = _KINDS[link.kind]
    return _page(kind.heading, [], action=kind.action, asks_password=link.kind is VerificationKind.PASSWORD_RESET)


def submit(caller: Caller, secret: str, form: dict[str, str]) -> tuple[Started | None, str]:
    """What the form does: the session that has begun, if one has, and the page that says so.

    Raises what redeeming the link raises, but not `SecondFactorRequired`: then the page asks for the code.
    """
    if "challenge" in form:
        started: Started | None = log_in.answer_challenge(caller, form["challenge"], form.get("code", ""))
        return started, _page("You are logged in.", [])
    link = links.find(secret)
    kind = _KINDS[link.kind]
    try:
        started = kind.redeem(caller, link, form.get("password", ""))
    except challenges.SecondFactorRequired as required:
        return None, _page(kind.heading, [], action=kind.action, challenge=required.extensions["challenge"])
    return started, _page(kind.ending, ["You can close this page."])


def asked_again(why: str) -> str:
    """The page after a password that is not accepted: it asks for another one."""
    kind = _KINDS[VerificationKind.PASSWORD_RESET]
    return _page(kind.heading, [why], action=kind.action, asks_password=True)


def refused(why: str, challenge: str | None = None) -> str:
    """The page after a refusal. With the challenge of a second factor, it asks again."""
    return _page("Try again" if challenge else "This did not work", [why], action="Go on" if challenge else None, challenge=challenge)


def _page(
    heading: str, paragraphs: list[str], *, action: str | None = None, challenge: str | None = None, asks_password: bool = False
) -> str:
    return templates.render(
        FOLDER,
        "link.html",
        style=templates.style(FOLDER),
        heading=heading,
        paragraphs=paragraphs,
        action=action,
        challenge=challenge,
        asks_password=asks_password,
    )
