"""Giving the time back: by the host with a token, by the invitee with the link of the mail."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, update

from local.client import Answer
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.persistence.outbox import OutboxEvent
from parley.scheduling.bookings.booking_service import management_token
from parley.scheduling.tables.booking_models import Booking
from parley.scheduling.tables.enums import TRANSITIONS, BookingStatus, statuses_before
from tests.harness import Client, Member
from tests.scheduling.booking_scenarios import Office, at, invitee

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def booking(office: Office, event_type: dict[str, Any]) -> dict[str, Any]:
    return office.booked(event_type, at("10:00"))


@pytest.fixture
def token(acme: Member, booking: dict[str, Any]) -> str:
    (row,) = acme.rows(select(Booking).where(Booking.id == booking["id"]))
    return management_token(row)


def submit(stranger: Client, token: str, **fields: str) -> Answer:
    return stranger.request("POST", f"/bookings/{token}", urlencode(fields).encode(), FORM)


def test_the_host_cancels_once(office: Office, acme: Member, booking: dict[str, Any]) -> None:
    canceled = office.cancel(booking, "I am ill")
    assert canceled.status == 200
    assert (canceled.body["status"], canceled.body["canceled_by"], canceled.body["cancel_reason"]) == ("CANCELED", "HOST", "I am ill")
    assert canceled.body["canceled_at"]
    assert acme.get(f"/v1/scheduling/bookings/{booking['id']}").body | {"answers": []} == canceled.body | {"answers": []}
    again = office.cancel(booking)
    assert (again.status, again.body["code"]) == (409, "illegal_transition")
    (row,) = acme.rows(select(AuditLog).where(AuditLog.action == "booking.canceled"))
    facts = {"event_type_id": booking["event_type_id"], "host_id": str(acme.user_id), "status": "CANCELED"}
    facts["start_time"] = booking["start_time"].replace("Z", "+00:00")
    assert (row.old_values, row.new_values, row.actor_id) == (
        {"status": "CONFIRMED"},
        {"canceled_by": "HOST", "is_declined": False, **facts},
        acme.user_id,
    )
    (event,) = acme.rows(select(OutboxEvent).where(OutboxEvent.name == "scheduling.booking_canceled"))
    assert event.payload == {"booking_id": booking["id"], **row.new_values}


def test_a_cancellation_needs_no_body(stranger: Client, acme: Member, token: str, office: Office, event_type: dict[str, Any]) -> None:
    canceled = stranger.request("POST", f"/v1/scheduling/managed-bookings/{token}/cancel")
    assert (canceled.status, canceled.body["cancel_reason"]) == (200, None)
    path = f"/v1/scheduling/bookings/{office.booked(event_type, at('11:00'))['id']}/cancel"
    assert acme.request("POST", path).status == 200


@pytest.mark.parametrize("status", [status for status in BookingStatus if status not in statuses_before(BookingStatus.CANCELED)])
def test_only_what_stands_can_be_canceled(office: Office, acme: Member, booking: dict[str, Any], status: BookingStatus) -> None:
    with transactions.transaction(acme.caller) as session:
        session.execute(update(Booking).where(Booking.id == booking["id"]).values(status=status))
    refused = office.cancel(booking)
    assert (refused.status, refused.body["code"]) == (409, "illegal_transition")
    assert acme.get(f"/v1/scheduling/bookings/{booking['id']}").body["status"] == status.value


def test_the_table_of_transitions_knows_every_status() -> None:
    assert set(TRANSITIONS) == set(BookingStatus)
    assert statuses_before(BookingStatus.CANCELED) == [BookingStatus.PENDING, BookingStatus.CONFIRMED]


@pytest.mark.parametrize("wrong", [{"reason": 1}, {"reason": "x" * 501}, {"reason": ["x"]}, {"status": "CONFIRMED"}])
def test_a_reason_that_is_none_is_refused(acme: Member, booking: dict[str, Any], wrong: dict[str, Any]) -> None:
    assert acme.post(f"/v1/scheduling/bookings/{booking['id']}/cancel", wrong).status == 422


def test_the_invitee_sees_and_cancels(office: Office, stranger: Client, acme: Member, token: str, booking: dict[str, Any]) -> None:
    path = f"/v1/scheduling/managed-bookings/{token}"
    seen = stranger.get(path)
    assert (seen.status, seen.body["status"], seen.body["event_type_name"], seen.body["host_name"]) == (
        200, "CONFIRMED", "Introduction", "Owner of Acme",
    )  # fmt: skip
    canceled = stranger.post(f"{path}/cancel", {"reason": "Another day"})
    assert (canceled.status, canceled.body["status"], canceled.body["canceled_by"]) == (200, "CANCELED", "INVITEE")
    assert canceled.body == stranger.get(path).body
    assert stranger.post(f"{path}/cancel", {}).body["code"] == "illegal_transition"
    assert office.book({"id": booking["event_type_id"]}, at("10:00")).status == 201
    (row,) = acme.rows(select(AuditLog).where(AuditLog.action == "booking.canceled"))
    assert (row.actor_type.value, row.actor_id) == ("VISITOR", None)


def test_a_retried_cancellation_with_a_key_is_answered_again(stranger: Client, token: str) -> None:
    once = {"idempotency-key": "cancel"}
    answers = [stranger.post(f"/v1/scheduling/managed-bookings/{token}/cancel", {}, once) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].raw == answers[1].raw


def test_looking_at_the_page_changes_nothing(stranger: Client, acme: Member, token: str, booking: dict[str, Any]) -> None:
    for method in ("GET", "GET"):
        page = stranger.request(method, f"/bookings/{token}")
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Introduction" in page.body
    assert '<form method="post" action="' in page.body
    assert acme.get(f"/v1/scheduling/bookings/{booking['id']}").body["status"] == "CONFIRMED"


def test_the_form_cancels_and_shows_the_page_again(stranger: Client, acme: Member, token: str, booking: dict[str, Any]) -> None:
    done = submit(stranger, token, reason="Ün Grund & <b>more</b>")
    assert (done.status, done.headers["location"]) == (303, f"/bookings/{token}")
    page = stranger.get(f"/bookings/{token}")
    assert "Canceled" in page.body
    assert "<form" not in page.body
    assert html.escape("Ün Grund & <b>more</b>") in page.body
    assert acme.get(f"/v1/scheduling/bookings/{booking['id']}").body["cancel_reason"] == "Ün Grund & <b>more</b>"
    again = submit(stranger, token)
    assert (again.status, again.headers["content-type"]) == (409, "text/html; charset=utf-8")


def test_the_page_lets_nothing_in_and_tells_nobody_its_address(stranger: Client, token: str) -> None:
    headers = stranger.get(f"/bookings/{token}").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert (headers["referrer-policy"], headers["cache-control"], headers["x-content-type-options"], headers["x-frame-options"]) == (
        "no-referrer", "no-store", "nosniff", "DENY",
    )  # fmt: skip


def test_names_on_the_page_are_escaped(office: Office, stranger: Client, acme: Member) -> None:
    evil = '<script>alert("1")</script>'
    event_type = office.event_type(name=evil, location_value=evil)
    booking = office.booked(event_type, at("11:00"), invitee=invitee(name=evil))
    (row,) = acme.rows(select(Booking).where(Booking.id == booking["id"]))
    page = stranger.get(f"/bookings/{management_token(row)}").body
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    "form", [b"", b"reason=%ff%fe", b"reason=%00%ed%a0%80", b"reason=" + b"x" * 10_000, b"reason=a&reason=b", b"=&&&==%", b"a=1&" * 5000]
)
def test_whatever_the_form_says_the_booking_is_canceled(
    stranger: Client, acme: Member, token: str, booking: dict[str, Any], form: bytes
) -> None:
    assert stranger.request("POST", f"/bookings/{token}", form, FORM).status == 303
    reason = acme.get(f"/v1/scheduling/bookings/{booking['id']}").body["cancel_reason"]
    assert reason is None or len(reason) <= 500


def test_a_form_that_is_none_is_refused(stranger: Client, token: str, booking: dict[str, Any], acme: Member) -> None:
    assert stranger.request("POST", f"/bookings/{token}", b"{}", {"content-type": "application/json"}).status == 415
    assert stranger.request("POST", f"/bookings/{token}", b"reason=" + b"x" * 300_000, FORM).status == 413
    assert acme.get(f"/v1/scheduling/bookings/{booking['id']}").body["status"] == "CONFIRMED"


def test_a_token_that_opens_nothing_is_not_found(stranger: Client, token: str) -> None:
    for unknown in ("x", token[:-1], token + "x", token.swapcase(), "a" * 43):
        page = stranger.get(f"/bookings/{unknown}")
        assert (page.status, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert stranger.request("POST", f"/bookings/{unknown}", b"reason=", FORM).status == 404
        twin = stranger.get(f"/v1/scheduling/managed-bookings/{unknown}")
        assert (twin.status, twin.body["code"]) == (404, "no_such_booking")


def test_of_two_who_cancel_at_once_one_does(office: Office, acme: Member, booking: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have read the booking as it stands; the second's update finds nothing to change."""
    from parley.scheduling.common import queries

    booking_query = queries.booking
    seconds: list[Answer] = []

    def read_then_overtaken(*args: Any) -> Any:
        row = booking_query(*args)
        monkeypatch.setattr(queries, "booking", booking_query)
        seconds.append(_elsewhere(lambda: office.cancel(booking, "first")))
        return row

    monkeypatch.setattr(queries, "booking", read_then_overtaken)
    late = office.cancel(booking, "second")
    assert ([response.status for response in seconds], late.status, late.body["code"]) == ([200], 409, "illegal_transition")
    assert acme.get(f"/v1/scheduling/bookings/{booking['id']}").body["cancel_reason"] == "first"


def _elsewhere(call: Callable[[], Answer]) -> Answer:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()
