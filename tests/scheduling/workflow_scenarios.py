"""What tests of workflows do over and over: make one, book, move the clock, let the workers work, look at what was sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from local.client import Answer
from parley.kernel.persistence import transactions
from parley.kernel.values import clock
from parley.notifications.enums import NotificationChannel
from parley.scheduling.tables.enums import AgreementStatus
from parley.scheduling.tables.workflow_models import AddressAgreement, Reminder
from tests.harness import Member, World
from tests.scheduling.booking_scenarios import Office, SentMail
from tests.webhooks.conftest import Clock

WORKFLOWS = "/v1/scheduling/workflows"
LOG = "/v1/scheduling/notifications"
MAIL = {
    "name": "A mail",
    "channel": "EMAIL",
    "subject": "About {{event_type.name}}",
    "body": "Hello {{recipient.name}}: {{booking.start}}.",
}
BEFORE = {"trigger": "BEFORE_MEETING", "minutes_before": 60}


class WorkflowScenario(Office):
    """An office whose bookings set off workflows. Its clock moves when told to."""

    def __init__(self, world: World, host: Member, moved: Clock) -> None:
        super().__init__(world, host)
        self.moved = moved

    def workflow(self, **terms: Any) -> dict[str, Any]:
        return self._created(self.host.post(WORKFLOWS, MAIL | {"trigger": "BOOKING_CREATED"} | terms))

    def agreed(self, *addresses: str, channel: str = "EMAIL") -> None:
        """As if they had been asked, and had said yes."""
        for address in addresses:
            row = {"channel": NotificationChannel(channel), "address": address.lower(), "status": AgreementStatus.AGREED}
            with transactions.transaction(self.host.caller) as session:
                session.add(AddressAgreement(**row, mailed_at=clock.now(), decided_at=clock.now()))

    def work(self) -> None:
        """Workers first, then the minute's sweep, and what it has found."""
        self.world.pump()
        self.world.invoke("scheduling/sweep_reminders", {})
        self.world.pump()

    def until(self, instant: str | datetime, more: timedelta = timedelta(0)) -> None:
        """The clock goes to an instant, and `more`."""
        moment = instant if isinstance(instant, datetime) else datetime.fromisoformat(instant)
        self.moved.move(moment + more - clock.now())

    def log(self, **query: Any) -> list[dict[str, Any]]:
        """Of workflows, oldest first."""
        answer = self.host.get(LOG, limit=100, **query)
        assert answer.status == 200, answer.raw
        return [row for row in reversed(answer.body["items"]) if row["workflow_id"] is not None]

    def ended(self, **query: Any) -> list[tuple[str, str, str | None]]:
        return [(row["recipient_kind"], row["status"], row["error_message"]) for row in self.log(**query)]

    def letters(self, subject: str = "About ", to: str = "") -> list[SentMail]:
        """Of workflows, to an address."""
        letters = [SentMail(mail["raw"]) for mail in self.world.mails() if to in str(mail["to"])]
        ids = [row["id"] for row in self.log()]
        return [
            letter for letter in letters if any(id_ in letter.message["Message-ID"] for id_ in ids) and subject in letter.message["Subject"]
        ]

    def reminders(self) -> list[tuple[str, datetime]]:
        rows = self.host.rows(select(Reminder).order_by(Reminder.due_at, Reminder.id))
        return [(str(row.booking_id), row.due_at) for row in rows]

    def move(self, booking: dict[str, Any], start: str) -> Answer:
        return self.host.post(f"/v1/scheduling/bookings/{booking['id']}/reschedule", {"start_time": start})


def ago(start: str, minutes: int) -> datetime:
    return datetime.fromisoformat(start).astimezone(UTC) - timedelta(minutes=minutes)
