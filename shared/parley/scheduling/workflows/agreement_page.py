"""How an address or a number is asked whether it agrees, and the page that the link leads to: plain HTML, whose form decides."""

from parley.notifications import templates
from parley.notifications.email_message import single_line
from parley.notifications.enums import NotificationChannel
from parley.scheduling.kinds import AgreementStatus
from parley.scheduling.pages import FOLDER
from parley.scheduling.workflows import agreements
from parley.scheduling.workflows.messages import Outgoing
from parley.scheduling.workflows.models import AddressAgreement

_HEADINGS = {
    AgreementStatus.PENDING: "Messages of {} about its bookings?",
    AgreementStatus.AGREED: "You get messages of {} about its bookings",
    AgreementStatus.STOPPED: "You get no messages of {} about its bookings",
}


def headers() -> dict[str, str]:
    return templates.page_headers(FOLDER)


def page(row: AddressAgreement, organization: str) -> str:
    heading, has_agreed = _HEADINGS[row.status].format(single_line(organization)), row.status is AgreementStatus.AGREED
    return templates.render(
        FOLDER, "agreement.html", style=templates.style(FOLDER), heading=heading, address=row.address, has_agreed=has_agreed
    )


def missing(why: str) -> str:
    return templates.render(FOLDER, "agreement.html", style=templates.style(FOLDER), heading=why, address=None, has_agreed=False)


def question(row: AddressAgreement, organization: str) -> Outgoing:
    """The one message that somebody gets before they have agreed. Nothing in it is the organization's own words but its name."""
    name, link = single_line(organization, 60), agreements.link(row)
    is_text = row.channel is NotificationChannel.SMS
    long = (
        f"{name} would like to send messages about its bookings to {row.address}.\n\n"
        f"If you agree, open this page and say so; you can stop them there at any time:\n{link}\n\n"
        "If you do not know what this is about, ignore this mail: nothing more is sent."
    )
    return Outgoing(
        id=row.id,
        channel=row.channel,
        recipient=row.address,
        recipient_name="",
        subject=f"Do you agree to messages of {name}?",
        text=f"{name} would like to text you about its bookings. Agree or stop: {link}" if is_text else long,
        sender="Parley",
        reply_to=None,
        entity=f"agreement-{row.id}",
    )
