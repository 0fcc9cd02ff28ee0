"""How an address or a number is asked whether it agrees, and the page that the link leads to: plain HTML, whose form decides."""

from parley.notifications import templates
from parley.notifications.email.email_message import single_line
from parley.notifications.enums import NotificationChannel
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import Words
from parley.notifications.localization.catalogues import marked as _
from parley.scheduling.common.page_templates import FOLDER
from parley.scheduling.notifications import address_agreements
from parley.scheduling.notifications.workflow_messages import WorkflowMessage
from parley.scheduling.tables.enums import AgreementStatus
from parley.scheduling.tables.workflow_models import AddressAgreement

DOMAIN = "scheduling"
_HEADINGS = {
    AgreementStatus.PENDING: _("Messages of %(organization)s about its bookings?"),
    AgreementStatus.AGREED: _("You get messages of %(organization)s about its bookings"),
    AgreementStatus.STOPPED: _("You get no messages of %(organization)s about its bookings"),
}


def headers() -> dict[str, str]:
    return templates.page_headers(FOLDER)


def page(row: AddressAgreement, organization: str, locale: str = languages.DEFAULT) -> str:
    words = Words(DOMAIN, locale)
    heading = words(_HEADINGS[row.status], organization=single_line(organization))
    return _page(words, heading, address=row.address, has_agreed=row.status is AgreementStatus.AGREED)


def missing(why: str, locale: str = languages.DEFAULT) -> str:
    words = Words(DOMAIN, locale)
    return _page(words, words(why), address=None, has_agreed=False)


def _page(words: Words, heading: str, **shown: object) -> str:
    return templates.render(FOLDER, "agreement.html", style=templates.style(FOLDER), heading=heading, _=words, lang=words.locale, **shown)


def question(row: AddressAgreement, organization: str, locale: str) -> WorkflowMessage:
    """The one message that somebody gets before they have agreed. Nothing in it is the organization's own words but its name."""
    words, name, link = Words(DOMAIN, locale), single_line(organization, 60), address_agreements.link(row)
    if row.channel is NotificationChannel.SMS:
        text = words("%(organization)s would like to text you about its bookings. Agree or stop: %(link)s", organization=name, link=link)
    else:
        wish = words(
            "%(organization)s would like to send messages about its bookings to %(address)s.", organization=name, address=row.address
        )
        how = words("If you agree, open this page and say so; you can stop them there at any time:")
        ignore = words("If you do not know what this is about, ignore this mail: nothing more is sent.")
        text = f"{wish}\n\n{how}\n{link}\n\n{ignore}"
    return WorkflowMessage(
        id=row.id,
        channel=row.channel,
        recipient=row.address,
        recipient_name="",
        subject=words("Do you agree to messages of %(organization)s?", organization=name),
        text=text,
        sender="Parley",
        reply_to=None,
        entity=f"agreement-{row.id}",
        locale=locale,
    )
