"""The page behind the link of an invitation's mail: plain HTML, which a form on it posts back to."""

from pathlib import Path

from parley.identity.members.schemas import OpenInvitationRead
from parley.identity.roles.role_names import ROLES
from parley.notifications.localization import formats, languages
from parley.notifications.localization.catalogues import Words
from parley.notifications.localization.catalogues import marked as _
from parley.notifications.templates import page_headers, render, style

DOMAIN = "identity"
DECLINED = _("You have declined this invitation.")
_FOLDER = Path(__file__).parents[1] / "templates"


def headers() -> dict[str, str]:
    return page_headers(_FOLDER)


def page(invitation: OpenInvitationRead, locale: str = languages.DEFAULT) -> str:
    """Who asks whom, where to, as what; and how to accept or decline."""
    words = Words(DOMAIN, locale)
    heading = words("You are invited to %(organization)s", organization=invitation.organization_name)
    until, role = formats.short_date(invitation.expires_at.date(), locale), words(ROLES[invitation.role])
    role = role.capitalize() if formats.is_plain(locale) else role
    return _page(words, heading, invitation=invitation, until=until, role=role)


def message(text: str, locale: str = languages.DEFAULT) -> str:
    words = Words(DOMAIN, locale)
    return _page(words, words(text), invitation=None)


def _page(words: Words, heading: str, **shown: object) -> str:
    return render(_FOLDER, "invitation.html", style=style(_FOLDER), heading=heading, _=words, lang=words.locale, **shown)
