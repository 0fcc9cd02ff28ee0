"""A stranger books a meeting: the slots of a month, one of them taken, a mail with an invitation, and the link in it that cancels."""

from __future__ import annotations

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy
from typing import Any

from local.demo import Played, PlayFailed, Scene, expect, wait_for

OFFICE_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
RIVALS = 10


def play(scene: Scene) -> Played:
    played = Played()
    event_type = _offer(scene, played)
    page = expect(scene.stranger.get(f"/v1/scheduling/event-types/{event_type['id']}/public"), 200)["url"]
    times = expect(scene.stranger.get(page), 200).count("<time ")
    played.add_row("GET its booking page", f"200: a month, and {times} times of the first open day")
    slot = _first_slot(scene, played, event_type)
    address = f"grace.{uuid.uuid4().hex[:8]}@visitor.example"
    booking = _booked(scene, played, event_type, slot, address)
    _invited_and_canceled(scene, played, booking, address)
    played.curl = [
        f"# Where people book, for a browser: {page}",
        f"curl -s '{{url}}/v1/scheduling/event-types/{event_type['id']}/slots?{_month()}'",
        'curl -s {url}/v1/scheduling/bookings -H "Authorization: Bearer $TOKEN"',
    ]
    return played


def _offer(scene: Scene, played: Played) -> Any:
    slots = [{"day_of_week": day, "start_time": "09:00", "end_time": "17:00"} for day in OFFICE_DAYS]
    hours = {"name": "Office hours", "timezone": "Europe/Berlin", "slots": slots}
    schedule = expect(scene.owner.post("/v1/scheduling/schedules", hours), 201)
    played.add_row("POST /v1/scheduling/schedules", "201: Monday to Friday, 9 to 17 in Berlin")
    wanted = {
        "schedule_id": schedule["id"],
        "name": "Introduction",
        "slug": f"introduction-{uuid.uuid4().hex[:8]}",
        "duration": 30,
        "buffer_after": 10,
        "min_notice": 120,
        "max_bookings_per_day": 6,
        "location_type": "ZOOM",
        "location_value": "https://zoom.example/j/123456789",
        "questions": [{"label": "What is it about?", "type": "SINGLE_SELECT", "required": True, "options": ["Sales", "Support"]}],
    }
    event_type = expect(scene.owner.post("/v1/scheduling/event-types", wanted), 201)
    played.add_row("POST /v1/scheduling/event-types", "201: 30 minutes, 10 more after it, two hours' notice, 6 a day")
    return event_type


def _month() -> str:
    now = datetime.now(UTC)
    return f"from={now:%Y-%m-%dT%H:%M:%SZ}&to={now + timedelta(days=31):%Y-%m-%dT%H:%M:%SZ}"


def _first_slot(scene: Scene, played: Played, event_type: Any) -> Any:
    slots = expect(scene.stranger.get(f"/v1/scheduling/event-types/{event_type['id']}/slots?{_month()}"), 200)["slots"]
    played.add_row("GET …/slots of 31 days, without a token", f"200: {len(slots)} open, the first at {slots[0]['start_time']}")
    return slots[0]


def _booked(scene: Scene, played: Played, event_type: Any, slot: Any, address: str) -> Any:
    wanted = {
        "event_type_id": event_type["id"],
        "start_time": slot["start_time"],
        "invitee": {"email": address, "name": "Grace Hopper", "timezone": "America/New_York"},
        "answers": [{"question_id": event_type["questions"][0]["id"], "value": "Sales"}],
        "utm_source": "newsletter",
    }
    with ThreadPoolExecutor(RIVALS) as pool:
        keys = [{"idempotency-key": str(uuid.uuid4())} for _ in range(RIVALS)]
        answers = list(pool.map(lambda key: scene.stranger.post("/v1/scheduling/bookings", wanted, key), keys))
    counted = Counter(answer.status for answer in answers)
    if counted != {201: 1, 409: RIVALS - 1}:
        raise PlayFailed(f"{RIVALS} bookings of one slot at once were answered {dict(counted)}")
    played.add_row(f"POST /v1/scheduling/bookings, {RIVALS} at once", f"201 for one, 409 slot_taken for {RIVALS - 1}")
    winner = next(at for at, answer in enumerate(answers) if answer.status == 201)
    again = scene.stranger.post("/v1/scheduling/bookings", wanted, keys[winner])
    if again.raw != answers[winner].raw:
        raise PlayFailed("The same Idempotency-Key was answered differently.")
    played.add_row("the winner's again, same Idempotency-Key", "201: the same answer, no second booking")
    return again.body


def _invited_and_canceled(scene: Scene, played: Played, booking: Any, address: str) -> None:
    if not scene.stack.shows_mails:
        played.add_row("outbox → bus → queue → worker → SES", "sent through the endpoint that you gave; its mails can't be seen from here")
        return
    invitation = wait_for("the invitation", lambda: scene.mails_to(address))[0]["raw"]
    played.add_row("outbox → bus → queue → worker → SES", f"a mail to {address}: text, HTML, METHOD:REQUEST")
    played.text = _shown(invitation)
    link = next(line for line in _text(invitation).splitlines() if "/bookings/" in line).strip()
    page = expect(scene.stranger.get(link), 200)
    played.add_row("GET the link in the mail", f"200: a page with a form of {page.count('<form')}; nothing has changed")
    expect(scene.stranger.request("POST", link, b"reason=Another+day", {"content-type": "application/x-www-form-urlencoded"}), 200)
    seen = expect(scene.owner.get(f"/v1/scheduling/bookings/{booking['id']}"), 200)
    played.add_row("POST the form on it", f"{seen['status']} by {seen['canceled_by']}: {seen['cancel_reason']}")
    wait_for("the cancellation", lambda: len(scene.mails_to(address)) == 2)
    canceled = scene.mails_to(address)[1]["raw"]
    if "METHOD:CANCEL" not in canceled or "SEQUENCE:1" not in canceled:
        raise PlayFailed("The second mail cancels nothing.")
    played.add_row("outbox → bus → queue → worker → SES", "a second mail: METHOD:CANCEL, the same UID, SEQUENCE 1")


def _text(raw: str) -> str:
    part = message_from_string(raw, policy=policy.default).get_body(("plain",))
    return str(part.get_content()) if part else ""


def _shown(raw: str) -> str:
    """The mail as it was sent, without the attachment's base64, which repeats the calendar part."""
    head, separator, attachment = raw.replace("\r\n", "\n").partition("Content-Type: application/ics")
    return head + separator + attachment.partition("\n\n")[0] + "\n\n(base64)" if separator else raw
