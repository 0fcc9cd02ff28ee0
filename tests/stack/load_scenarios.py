"""What the load tests play with, made over HTTP."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from local.client import Answer, Client

Result = TypeVar("Result")
WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


def tomorrow() -> date:
    return (datetime.now(UTC) + timedelta(days=1)).date()


def at(clock: str, days: int = 1) -> str:
    """A time of day, some days from now, in UTC."""
    return f"{tomorrow() + timedelta(days=days - 1)}T{clock}:00Z"


def created(answer: Answer) -> Any:
    assert answer.status == 201, (answer.status, answer.raw)
    return answer.body


def schedule(owner: Client) -> str:
    slots = [{"day_of_week": day, "start_time": "08:00", "end_time": "18:00"} for day in WEEK]
    return str(created(owner.post("/v1/scheduling/schedules", {"name": "Every day", "timezone": "UTC", "slots": slots}))["id"])


def event_type(owner: Client, schedule_id: str, **changes: Any) -> str:
    slug = f"call-{uuid.uuid4().hex[:12]}"
    wanted = {"schedule_id": schedule_id, "name": "Call", "slug": slug, "duration": 30, "location_type": "PHONE"} | changes
    return str(created(owner.post("/v1/scheduling/event-types", wanted))["id"])


def booking(event_type_id: str, start_time: str, name: str = "Grace") -> dict[str, Any]:
    invitee = {"email": f"{name.lower()}@visitor.example", "name": name, "timezone": "Europe/Berlin"}
    return {"event_type_id": event_type_id, "start_time": start_time, "invitee": invitee}


def at_once(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """All calls, each in a thread of its own, begun together."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result:
        gate.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
