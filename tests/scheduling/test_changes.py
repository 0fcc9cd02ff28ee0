"""What becomes of a booking: confirmed, declined, moved, missed, completed; and slots that are held."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from parley.kernel.persistence import transactions
from parley.kernel.persistence.outbox import OutboxEvent
from parley.kernel.values.clock import now
from parley.scheduling.bookings.booking_service import management_token
from parley.scheduling.tables.booking_models import Booking, Hold
from parley.scheduling.tables.enums import TRANSITIONS, BookingStatus
from tests.harness import Member, World
from tests.platform.routes_scheduling import long_ago
from tests.scheduling.booking_scenarios import Office, SentMail, at, invitee, weekday

Letters = Callable[..., list[SentMail]]


def change(acme: Member, booking: dict[str, Any], verb: str, **body: Any) -> Any:
    return acme.post(f"/v1/scheduling/bookings/{booking['id']}/{verb}", body or None)


def token_of(acme: Member, booking: dict[str, Any]) -> str:
    (row,) = acme.rows(select(Booking).where(Booking.id == booking["id"]))
    return management_token(row)


@pytest.fixture
def asking(office: Office) -> dict[str, Any]:
    return office.event_type(requires_confirmation=True)


def test_a_request_holds_its_time_until_a_host_decides(
    office: Office, acme: Member, asking: dict[str, Any], pump: Callable[[], int], letters: Letters
) -> None:
    booking = office.booked(asking, at("10:00"))
    assert booking["status"] == "PENDING"
    assert office.book(asking, at("10:00")).body["code"] == "slot_taken"
    pump()
    (request,) = letters(booking)
    assert ("Requested: " in request.message["Subject"], str(request.event["STATUS"]), request.event["SEQUENCE"]) == (True, "TENTATIVE", 0)
    confirmed = change(acme, booking, "confirm")
    assert (confirmed.status, confirmed.body["status"], confirmed.body["confirmed_at"] is not None) == (200, "CONFIRMED", True)
    pump()
    assert (str(letters(booking)[1].event["STATUS"]), letters(booking)[1].event["SEQUENCE"]) == ("CONFIRMED", 1)
    for verb in ("confirm", "decline"):
        again = change(acme, booking, verb)
        assert (again.status, again.body["code"], again.body["booking_status"]) == (409, "illegal_transition", "CONFIRMED")


def test_a_declined_request_gives_the_time_back(
    office: Office, acme: Member, asking: dict[str, Any], pump: Callable[[], int], letters: Letters
) -> None:
    booking = office.booked(asking, at("10:00"))
    declined = change(acme, booking, "decline", reason="Not my subject")
    assert (declined.body["status"], declined.body["canceled_by"], declined.body["cancel_reason"]) == ("CANCELED", "HOST", "Not my subject")
    office.booked(asking, at("10:00"))
    pump()
    (letter,) = letters(booking)
    assert ("Declined: " in letter.message["Subject"], str(letter.calendar["METHOD"])) == (True, "CANCEL")


def test_a_member_or_a_key_books_for_somebody_and_needs_no_confirmation(office: Office, acme: Member, asking: dict[str, Any]) -> None:
    path, wanted = f"/v1/scheduling/event-types/{asking['id']}/bookings", {"start_time": at("10:00"), "invitee": invitee()}
    made = acme.post(path, wanted)
    assert (made.status, made.body["status"], made.body["invitee"]["name"]) == (201, "CONFIRMED", "Grace Hopper")
    assert acme.as_role("VIEWER").post(path, wanted).body["code"] == "missing_scope"
    assert acme.post(path, wanted).body["code"] == "slot_taken"


def test_a_no_show_is_known_when_it_has_begun(office: Office, acme: Member, event_type: dict[str, Any]) -> None:
    booking = office.booked(event_type, at("10:00"))
    for verb in ("no-show", "complete"):
        assert change(acme, booking, verb).body["code"] == "not_begun"
    long_ago(acme, booking["id"])
    missed = change(acme, booking, "no-show")
    assert (missed.body["status"], missed.body["no_show_marked_at"] is not None) == ("NO_SHOW", True)
    came = change(acme, booking, "complete")
    assert (came.body["status"], came.body["no_show_marked_at"]) == ("COMPLETED", None)
    names = acme.rows(select(OutboxEvent.name).where(OutboxEvent.payload["booking_id"].astext == booking["id"]))
    assert sorted(names) == ["scheduling.booking_completed", "scheduling.booking_created", "scheduling.booking_no_show"]
    assert change(acme, booking, "explode").status == 422


def test_the_invitee_can_not_cancel_or_move_what_has_begun(office: Office, acme: Member, event_type: dict[str, Any]) -> None:
    booking = office.booked(event_type, at("10:00"))
    token = token_of(acme, booking)
    long_ago(acme, booking["id"])
    for verb, body in (("cancel", {}), ("reschedule", {"start_time": at("11:00")})):
        late = office.stranger.post(f"/v1/scheduling/managed-bookings/{token}/{verb}", body)
        assert (late.status, late.body["code"]) == (409, "too_late")
    assert office.cancel(booking).status == 200


@pytest.mark.parametrize("status", list(BookingStatus))
def test_every_change_follows_the_table(office: Office, acme: Member, event_type: dict[str, Any], status: BookingStatus) -> None:
    reached = {"confirm": "CONFIRMED", "cancel": "CANCELED", "no-show": "NO_SHOW", "complete": "COMPLETED"}
    for number, (verb, to) in enumerate(reached.items()):
        booking = office.booked(event_type, at(f"{10 + number}:00"))
        long_ago(acme, booking["id"], days=7 * (number + 60))
        with transactions.transaction(acme.caller) as session:
            end = now() + timedelta(hours=1) if verb == "confirm" else Booking.end_time
            session.execute(update(Booking).where(Booking.id == booking["id"]).values(status=status, end_time=end))
        answer = change(acme, booking, verb)
        assert answer.status == (200 if BookingStatus(to) in TRANSITIONS[status] else 409), (status, verb, answer.body)


# --- moves -------------------------------------------------------------------------------------------------------------------------------


def test_a_move_is_a_chain_with_one_calendar_event(office: Office, acme: Member, pump: Callable[[], int], letters: Letters) -> None:
    event_type = office.event_type(questions=[{"label": "Why?", "type": "SHORT_TEXT"}])
    answers = [{"question_id": event_type["questions"][0]["id"], "value": "Because"}]
    first = office.booked(event_type, at("10:00"), answers=answers)
    pump()
    second = change(acme, first, "reschedule", start_time=at("10:00", weekday(1)), reason="I am away")
    assert (second.status, second.body["status"], second.body["start_time"]) == (201, "CONFIRMED", at("10:00", weekday(1)))
    old = acme.get(f"/v1/scheduling/bookings/{first['id']}").body
    assert (old["status"], old["rescheduled_to_id"], old["cancel_reason"]) == ("RESCHEDULED", second.body["id"], "I am away")
    assert second.body["rescheduled_from_id"] == first["id"]
    third = office.stranger.post(
        f"/v1/scheduling/managed-bookings/{token_of(acme, second.body)}/reschedule", {"start_time": at("10:15").replace(":15", ":30")}
    )
    assert (third.status, third.body["status"]) == (201, "CONFIRMED")
    (row,) = acme.rows(select(Booking).where(Booking.rescheduled_from_id == second.body["id"]))
    assert acme.get(f"/v1/scheduling/bookings/{row.id}").body["answers"][0]["value"] == "Because"
    office.booked(event_type, at("10:00"))  # free again
    again = change(acme, first, "reschedule", start_time=at("12:00"))
    assert (again.status, again.body["code"], again.body["booking_status"]) == (409, "illegal_transition", "RESCHEDULED")
    pump()
    mails = [letters(first)[0], letters({"id": str(row.id)})[0]]
    assert len({str(letter.event["UID"]) for letter in mails}) == 1
    assert [letter.event["SEQUENCE"] for letter in mails] == [0, 2]
    assert "Moved: " in mails[1].message["Subject"]


def test_a_booking_may_move_into_its_own_time_and_not_into_anothers(office: Office, acme: Member) -> None:
    event_type = office.event_type(slot_interval=15)
    booking = office.booked(event_type, at("10:00"))
    office.booked(event_type, at("11:00"))
    taken = change(acme, booking, "reschedule", start_time=at("10:45"))
    assert (taken.status, taken.body["code"]) == (409, "slot_taken")
    assert acme.get(f"/v1/scheduling/bookings/{booking['id']}").body["status"] == "CONFIRMED"
    assert change(acme, booking, "reschedule", start_time=at("10:15")).status == 201
    assert change(acme, booking, "reschedule", start_time=at("10:07")).body["code"] == "illegal_transition"


def test_a_limit_counts_a_moved_booking_once(office: Office, acme: Member) -> None:
    event_type = office.event_type(max_bookings_per_day=1)
    booking = office.booked(event_type, at("10:00"))
    assert change(acme, booking, "reschedule", start_time=at("12:00")).status == 201
    assert office.book(event_type, at("10:00")).body["code"] == "limit_reached"


def test_the_invitees_move_is_asked_for_again_where_it_has_to_be(office: Office, acme: Member, asking: dict[str, Any]) -> None:
    booking = office.booked(asking, at("10:00"))
    change(acme, booking, "confirm")
    moved = office.stranger.post(f"/v1/scheduling/managed-bookings/{token_of(acme, booking)}/reschedule", {"start_time": at("11:00")})
    assert (moved.status, moved.body["status"]) == (201, "PENDING")


# --- holds -------------------------------------------------------------------------------------------------------------------------------


def test_a_held_slot_waits_for_who_holds_it(office: Office, acme: Member, event_type: dict[str, Any]) -> None:
    path = f"/v1/scheduling/event-types/{event_type['id']}/holds"
    held = office.stranger.post(path, {"start_time": at("10:00")})
    assert (held.status, held.body["start_time"], held.body["end_time"]) == (201, at("10:00"), at("10:30"))
    assert "10:00" not in office.starts(event_type, weekday(0))
    assert office.book(event_type, at("10:00")).body["code"] == "slot_taken"
    assert office.book(event_type, at("10:00"), hold_token="made up").body["code"] == "slot_taken"
    assert office.stranger.post(path, {"start_time": at("10:00")}).body["code"] == "slot_taken"
    other = office.event_type()
    assert office.book(other, at("10:00")).body["code"] == "slot_taken"
    (row,) = acme.rows(select(Hold))
    assert held.body["token"] not in repr(vars(row))
    office.booked(event_type, at("10:00"), hold_token=held.body["token"])
    assert acme.rows(select(Hold.id)) == []


def test_a_hold_is_over_by_itself_and_can_be_changed(office: Office, acme: Member, event_type: dict[str, Any]) -> None:
    path = f"/v1/scheduling/event-types/{event_type['id']}/holds"
    first = office.stranger.post(path, {"start_time": at("10:00")}).body
    second = office.stranger.post(path, {"start_time": at("11:00"), "instead_of": first["token"]})
    assert second.status == 201
    assert "10:00" in office.starts(event_type, weekday(0))
    with transactions.transaction(acme.caller) as session:
        session.execute(update(Hold).values(expires_at=now()))
    assert "11:00" in office.starts(event_type, weekday(0))
    office.booked(event_type, at("11:00"))
    assert office.world.invoke("scheduling/complete_bookings", {})["holds"] >= 1
    assert acme.rows(select(Hold.id)) == []


def test_a_hold_takes_a_seat_and_nothing_of_a_limit(office: Office) -> None:
    limited = office.event_type(max_bookings_per_day=1)
    held = office.stranger.post(f"/v1/scheduling/event-types/{limited['id']}/holds", {"start_time": at("10:00")})
    assert held.status == 201
    assert office.book(limited, at("12:00")).status == 201
    group = office.event_type(kind="GROUP", capacity=1)
    held = office.stranger.post(f"/v1/scheduling/event-types/{group['id']}/holds", {"start_time": at("14:00")}).body
    assert office.book(group, at("14:00")).body["code"] == "slot_taken"
    office.booked(group, at("14:00"), hold_token=held["token"])


# --- time --------------------------------------------------------------------------------------------------------------------------------


def test_what_is_over_is_completed_and_what_nobody_answered_lapses(
    office: Office, acme: Member, event_type: dict[str, Any], asking: dict[str, Any], world: World
) -> None:
    over, unanswered = office.booked(event_type, at("10:00")), office.booked(asking, at("11:00"))
    ahead = office.booked(event_type, at("12:00"))
    for booking in (over, unanswered):
        long_ago(acme, booking["id"])
    world.invoke("scheduling/complete_bookings", {})
    statuses = [acme.get(f"/v1/scheduling/bookings/{entry['id']}").body for entry in (over, unanswered, ahead)]
    assert [body["status"] for body in statuses] == ["COMPLETED", "CANCELED", "CONFIRMED"]
    assert (statuses[0]["completed_at"] is not None, statuses[1]["canceled_by"]) == (True, None)
    names = acme.rows(select(OutboxEvent.name).where(OutboxEvent.payload["booking_id"].astext == over["id"]))
    assert "scheduling.booking_completed" in names
