"""Every connected account is asked for again each day: a token that was taken back, or a number that was moved, proves nothing any more.

What the platform does not confirm is unproven from then on: messages still come, and whoever proves the number has it. After
`ENOUGH_REFUSALS` in a row, hours apart, the connection ends, for one answer may be a slip. A platform that is away changes nothing.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, literal, or_, select, update
from sqlalchemy.orm import Session

from parley.inbox import account_verification, queries, service
from parley.inbox.declared import InboxAction, InboxDirectory
from parley.inbox.models import ConnectionStatus, PlatformConnection
from parley.inbox.platforms.meta_graph_api import NumberConfirmation
from parley.kernel.access.callers import Caller, system
from parley.kernel.audit import audit
from parley.kernel.persistence import directory
from parley.kernel.persistence.column_encryption import unseal
from parley.kernel.persistence.transactions import sweep, transaction
from parley.kernel.values.clock import now
from parley.kernel.workers.sweeps import Run

AGAIN = timedelta(hours=2)
"""After an answer that is not a yes."""
ENOUGH_REFUSALS = 3
NOT_SOONER = timedelta(minutes=10)
"""So long nobody's wish to have a number causes another question about it."""
_AT_ONCE = 20
_MOST_UNANSWERED = 3
_SECONDS_EACH = 12
_REASONS = {
    NumberConfirmation.EXPIRED: (ConnectionStatus.EXPIRED, "WhatsApp says that the access token is not valid any more"),
    NumberConfirmation.REFUSED: (ConnectionStatus.ERROR, "WhatsApp does not show this number to the access token any more"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """A number, and the token that is to be confirmed for it: its sealed form tells later whether it is still the same."""

    phone_number_id: str
    access_token: str
    sealed: bytes


class AccountChecks:
    """The duty of a sweep. Rows are put off before anybody is asked, and the platform is asked outside of any transaction."""

    name = "accounts"

    def do(self, run: Run) -> None:
        unanswered = 0
        while rows := _due():
            for organization_id, connection_id in rows:
                if time.monotonic() > run.ends - _SECONDS_EACH or unanswered == _MOST_UNANSWERED:
                    return
                try:
                    confirmation = _check(system(organization_id), connection_id)
                    unanswered = unanswered + 1 if confirmation is NumberConfirmation.UNAVAILABLE else 0
                    run.count += 1
                except Exception as error:  # noqa: BLE001  # noted: one organization's trouble is not the next one's
                    run.note(error, organization_id=organization_id, row_id=connection_id)


def _due() -> list[tuple[UUID, UUID]]:
    model = PlatformConnection
    wanted = (
        select(model.id)
        .where(model.next_check_at <= func.now(), model.status != ConnectionStatus.DISCONNECTED)
        .order_by(model.next_check_at)
    )
    with sweep() as session:
        keys = list(session.scalars(wanted.limit(_AT_ONCE).with_for_update(skip_locked=True)))
        if not keys:
            return []
        later = update(model).where(model.id.in_(keys)).values(next_check_at=func.now() + literal(AGAIN))
        rows = session.execute(later.returning(model.organization_id, model.id), execution_options={"synchronize_session": False})
        return [(row.organization_id, row.id) for row in rows]


def _check(caller: Caller, connection_id: UUID) -> NumberConfirmation | None:
    """None: it ended meanwhile."""
    with transaction(caller) as session:
        row = queries.connection(session, connection_id)
        if row is None or row.access_token is None:
            return None
        question = Question(row.platform_user_id, unseal(session, row, PlatformConnection.access_token), row.access_token.token)
    confirmation = account_verification.ask(question.phone_number_id, question.access_token)
    with transaction(caller) as session:
        settle(session, caller, connection_id, question, confirmation)
    return confirmation


def settle(session: Session, caller: Caller, connection_id: UUID, question: Question, confirmation: NumberConfirmation) -> None:
    """Write down what the platform said of the token that the connection had when it was asked."""
    row = queries.connection(session, connection_id, to_change=True)
    if (
        confirmation is NumberConfirmation.UNAVAILABLE
        or row is None
        or row.access_token is None
        or row.access_token.token != question.sealed
    ):
        return
    row.checked_at = now()
    is_confirmed, was_refused = confirmation is NumberConfirmation.CONFIRMED, row.refusals > 0
    if not directory.set_proven(session, InboxDirectory.WHATSAPP_NUMBER, row.platform_user_id, is_proven=is_confirmed):
        service.supersede(session, caller, row.platform_user_id)
    elif is_confirmed:
        row.refusals, row.next_check_at = 0, now() + service.CHECKED_EVERY
        if was_refused:
            row.status, row.error_message = ConnectionStatus.ACTIVE, None
            audit.record(session, caller, InboxAction.CONNECTION_UPDATED, row, new={"status": row.status.value})
    else:
        _refused(session, caller, row, confirmation)


def _refused(session: Session, caller: Caller, row: PlatformConnection, confirmation: NumberConfirmation) -> None:
    status, reason = _REASONS[confirmation]
    is_over = row.refusals + 1 >= ENOUGH_REFUSALS
    if row.status is not status or is_over:
        audit.record(session, caller, InboxAction.CONNECTION_UPDATED, row, old={"status": row.status.value}, new={"status": status.value})
    if is_over:
        service.end(session, row, status, f"{reason}, so no messages arrive here; connect the number again with a new one.")
    else:
        row.status, row.next_check_at = status, now() + AGAIN
        row.error_message = f"{reason}; connect the number again with a new one, or messages will end today."
    row.refusals += 1


def hasten(phone_number_id: str) -> None:
    """Somebody has proved a number that another organization has: whether it is still theirs is asked soon, not within a day."""
    holder = directory.organization_of(InboxDirectory.WHATSAPP_NUMBER, phone_number_id)
    if holder is None:
        return
    model, long_ago = PlatformConnection, func.now() - literal(NOT_SOONER)
    is_old = or_(model.checked_at.is_(None), model.checked_at < long_ago)
    with transaction(system(holder)) as session:
        session.execute(
            update(model)
            .where(model.platform_user_id == phone_number_id, model.next_check_at > func.now(), is_old)
            .values(next_check_at=func.now()),
            execution_options={"synchronize_session": False},
        )
