"""What members and keys have sent to invitees who did not ask: bookings made for them, and moves. Counted with invitations (`outreach`).

A cancellation is never refused, and a booking has one. How often one meeting is moved, by whomever, ends with its sequence.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from parley.identity.models import Organization
from parley.kernel.access.callers import ActorType, Caller
from parley.kernel.persistence import rate_limit_buckets
from parley.kernel.values.errors import Conflict
from parley.notifications.limits import outreach, quotas
from parley.notifications.limits.quotas import MailKind
from parley.scheduling.tables.booking_models import Booking

MOST_CHANGES = 12
"""Of one meeting, over all its records: each is a mail to its invitee and to its hosts. Then it can be canceled, and booked anew."""


class MovedTooOften(Conflict):
    """The meeting was changed as often as one may be."""

    def __init__(self) -> None:
        super().__init__(f"This meeting has changed {MOST_CHANGES} times; cancel it, and book anew.")


def check_change_count(booking: Booking) -> None:
    """Asks nothing. Raises `MovedTooOften`."""
    if booking.sequence >= MOST_CHANGES:
        raise MovedTooOften


def count_mail(session: Session, caller: Caller, address: str | None = None) -> None:
    """One more mail that a member or a key causes, in their transaction, after what else takes locks: two queries, and none for a visitor.

    With `address` it is counted for that mailbox too, whoever writes to it, except where an agreement trusts the organization.
    Raises `RateLimitExceeded`.
    """
    if caller.actor_type in (ActorType.VISITOR, ActorType.SYSTEM):
        return
    organization = session.scalars(select(Organization).where(Organization.id == caller.organization_id)).one()
    spending = outreach.spending(organization, caller)
    if address is None or organization.mail_limit is not None:
        rate_limit_buckets.spend_within(session, *spending)
    else:
        quotas.spend(session, MailKind.BOOKING, address, *spending)
