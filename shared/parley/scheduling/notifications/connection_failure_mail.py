"""The mail to the owner of a connection that died, or fails for long."""

from uuid import UUID

from sqlalchemy import select

from parley.identity.mails.account_mails import compose_account_mail
from parley.identity.models import User
from parley.kernel.access.callers import Caller
from parley.kernel.persistence.transactions import transaction
from parley.notifications.delivery.sender import Sender
from parley.notifications.email.email_message import Mail, is_deliverable
from parley.notifications.localization import languages
from parley.notifications.localization.catalogues import Words
from parley.notifications.localization.catalogues import marked as _
from parley.scheduling.tables.calendar_models import CalendarConnection, CalendarStatus

_AFTERWARDS = _("Thirty days after it was last read, your times are offered to nobody until it is read again, or you take it away.")


def write(caller: Caller, connection_id: UUID, send: Sender) -> None:
    """None when it works again."""
    with transaction(caller) as session:
        query = select(CalendarConnection, User).join(User, User.id == CalendarConnection.user_id)
        connection_row = session.execute(query.where(CalendarConnection.id == connection_id)).one_or_none()
    if (
        connection_row is None
        or connection_row[0].status not in (CalendarStatus.EXPIRED, CalendarStatus.ERROR)
        or not is_deliverable(connection_row[1].email)
    ):
        return
    row, owner = connection_row
    send(_letter(row, owner, Words("scheduling", languages.chosen(owner.locale)), f"calendar-{row.id}-{send.event_id}"))


def _letter(row: CalendarConnection, owner: User, words: Words, entity: str) -> Mail:
    if row.status is CalendarStatus.EXPIRED:
        subject = words("Connect your calendar %(name)s again", name=row.account_name)
        paragraphs = [
            words("Your calendar does not let us in any more: the password or the permission was changed, or taken back."),
            words("Until you connect it again, we go by what we knew of it last, and bookings are not written into it."),
            words(_AFTERWARDS),
        ]
    else:
        subject = words("Your calendar %(name)s can't be reached", name=row.account_name)
        reason = f" {row.error_message}" if row.error_message else ""
        paragraphs = [
            words("For more than a day, your calendar could not be read.") + reason,
            words("We keep trying. Meanwhile we go by what we knew of it last."),
            words(_AFTERWARDS),
        ]
    name = owner.name or ""
    return compose_account_mail(
        owner.email or "", recipient_name=name, subject=subject, paragraphs=paragraphs, entity=entity, locale=words.locale
    )
