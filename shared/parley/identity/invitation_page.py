"""The page behind the link of an invitation's mail: plain HTML, which a form on it posts back to."""

from pathlib import Path

from parley.identity.invitation_schemas import OpenInvitationRead
from parley.notifications.templates import page_headers, render, style

_FOLDER = Path(__file__).parent / "templates"


def headers() -> dict[str, str]:
    return page_headers(_FOLDER)


def page(invitation: OpenInvitationRead) -> str:
    """Who asks whom, where to, as what; and how to accept or decline."""
    return render(
        _FOLDER,
        "invitation.html",
        style=style(_FOLDER),
        heading=f"You are invited to {invitation.organization_name}",
        invitation=invitation,
        until=f"{invitation.expires_at:%Y-%m-%d}",
    )


def message(text: str) -> str:
    return render(_FOLDER, "invitation.html", style=style(_FOLDER), heading=text, invitation=None)
