"""The mail with the code that proves a booker's address."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import select

from parley.identity.mails.account_mails import compose_account_mail
from parley.identity.models import Organization
from parley.kernel.access.callers import Caller
from parley.kernel.persistence.transactions import transaction
from parley.notifications.email.email_message import Mail, is_deliverable, single_line
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import Words
from parley.scheduling.bookings.address_proofs import WINDOW_SECONDS, code
from parley.scheduling.tables.booking_models import Hold
from parley.scheduling.tables.event_type_models import EventType


def write(caller: Caller, hold_id: UUID, send: Callable[[Mail], object], locale: str | None = None) -> None:
    """None when the hold is over: then nobody waits for it."""
    with transaction(caller) as session:
        row = select(Hold.proof_email, EventType.name, Organization.name, Organization.locale).join(
            EventType, EventType.id == Hold.event_type_id
        )
        row = row.join(Organization, Organization.id == Hold.organization_id).where(Hold.id == hold_id)
        record = session.execute(row).one_or_none()
    address, event_type, organization, home = record or (None, "", "", None)
    if address is None or not is_deliverable(address):
        return
    proof = code(caller.organization_id, address)
    send(_letter(address, proof, event_type, organization, Words("scheduling", languages.chosen(locale, home)), f"address-proof-{hold_id}"))


def _letter(address: str, proof: str, event_type: str, organization: str, words: Words, entity: str) -> Mail:
    paragraphs = [
        words(
            "Somebody, probably you, is booking %(event_type)s with %(organization)s in the name of this address.",
            event_type=single_line(event_type),
            organization=single_line(organization),
        ),
        words(
            "The code is %(code)s. It goes into the form, and is good for %(minutes)s minutes.", code=proof, minutes=WINDOW_SECONDS // 60
        ),
        words("If it was not you, do nothing: without the code, nothing is booked."),
    ]
    subject = words("%(code)s is your code to book", code=proof)
    return compose_account_mail(address, subject=subject, paragraphs=paragraphs, entity=entity, is_requested=True, locale=words.locale)
