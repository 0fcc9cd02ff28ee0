"""A host acts from their mail: a page that shows what it will do, does it once, as that host, and ends with the host's right to it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from sqlalchemy import select, update

from local.client import Answer
from parley.identity.models import MemberRole, Organization, OrganizationMember, User
from parley.kernel.audit.audit import AuditLog
from parley.kernel.persistence import transactions
from parley.kernel.persistence.outbox import OutboxEvent
from parley.kernel.values.clock import now
from parley.scheduling.bookings.host_links import HostKey
from parley.scheduling.tables.booking_models import Booking
from tests.harness import Member, World
from tests.scheduling.booking_scenarios import Office, SentMail, at, hours, invitee, weekday
from tests.scheduling.test_changes import token_of
from tests.scheduling.test_kinds import hosts, pool

FORM = {"content-type": "application/x-www-form-urlencoded"}


def link_of(acme: Member, booking: dict[str, Any], host: Member | None = None) -> str:
    return HostKey(acme.organization_id, UUID(booking["id"]), (host or acme).user_id).path


def post(office: Office, link: str, **form: str) -> Answer:
    return office.stranger.request("POST", link, urlencode(form).encode(), FORM)


def status_of(acme: Member, booking: dict[str, Any]) -> str:
    return str(acme.get(f"/v1/scheduling/bookings/{booking['id']}").body["status"])


@pytest.fixture
def request_(office: Office) -> dict[str, Any]:
    asking = office.event_type(requires_confirmation=True, questions=[{"label": "Size?", "type": "SHORT_TEXT"}])
    answers = [{"question_id": asking["questions"][0]["id"], "value": "Large"}]
    return office.booked(asking, at("10:00"), invitee=invitee(notes="Bring\n<b>coffee</b>"), answers=answers)


@pytest.fixture
def mails(world: World) -> Callable[[Member], list[SentMail]]:
    def of(host: Member) -> list[SentMail]:
        (address,) = host.rows(select(User.email).where(User.id == host.user_id))
        world.pump()
        return [SentMail(mail["raw"]) for mail in world.mails() if address in mail["to"]]

    return of


def test_the_mail_of_a_request_leads_to_a_page_that_confirms_once(
    office: Office, acme: Member, request_: dict[str, Any], mails: Callable[[Member], list[SentMail]]
) -> None:
    letter = mails(acme)[-1]
    (link,) = re.findall(re.escape(os.environ["PUBLIC_URL"]) + r"(/hosts/\S+)", letter.text)
    assert "Confirm, decline or move it here:" in letter.text and f'href="{os.environ["PUBLIC_URL"]}{link}"' in letter.html
    assert "/hosts/" not in str(letter.parts["text/calendar"].get_content())  # a calendar is shared with others
    for _ in range(3):  # scanners of mail look, and looking changes nothing
        page = office.stranger.get(link)
        assert (page.status, page.headers["cache-control"], page.headers["referrer-policy"]) == (200, "no-store", "no-referrer")
        assert office.stranger.request("HEAD", link).status == 200
    text = page.raw.decode()
    for fact in ("Please confirm", "Grace Hopper", "grace@visitor.example", "Large", "&lt;b&gt;coffee", ">Confirm<", ">Decline<"):
        assert fact in text, fact
    assert "<script" not in text and status_of(acme, request_) == "PENDING"

    done = post(office, link, action="confirm")
    assert (done.status, done.headers["location"]) == (303, f"{link}?done=confirmed")
    assert status_of(acme, request_) == "CONFIRMED"
    again = post(office, link, action="confirm")
    assert (again.status, "This was decided before" in again.raw.decode()) == (409, True)
    (row,) = acme.rows(select(AuditLog).where(AuditLog.action == "booking.confirmed", AuditLog.entity_id == UUID(request_["id"])))
    assert (row.actor_type.value, row.actor_id) == ("USER", acme.user_id)
    names = acme.rows(select(OutboxEvent.name).where(OutboxEvent.payload["booking_id"].astext == request_["id"]))
    assert names.count("scheduling.booking_confirmed") == 1


def test_what_was_done_is_said(office: Office, acme: Member, request_: dict[str, Any]) -> None:
    link = link_of(acme, request_)
    post(office, link, action="confirm")
    page = office.stranger.request("GET", link, query={"done": "confirmed"}).raw.decode()
    assert "Done. The invitee gets a mail." in page and ">Cancel this booking<" in page and ">Confirm<" not in page


@pytest.mark.parametrize(("action", "declined"), [("decline", True), ("cancel", False)])
def test_it_is_declined_or_canceled_with_a_reason(
    office: Office, acme: Member, request_: dict[str, Any], world: World, action: str, declined: bool
) -> None:
    link = link_of(acme, request_)
    if not declined:
        post(office, link, action="confirm")
    assert post(office, link, action=action, reason="No time").status == 303
    row = acme.get(f"/v1/scheduling/bookings/{request_['id']}").body
    assert (row["status"], row["canceled_by"], row["cancel_reason"]) == ("CANCELED", "HOST", "No time")
    page = office.stranger.get(link).raw.decode()
    assert "This booking is canceled" in page and "<form" not in page
    assert post(office, link, action=action).status == 409
    assert post(office, link, action="no-show").status == 422
    assert post(office, link).status == 422


def test_it_is_moved_to_a_time_that_is_chosen_there(office: Office, acme: Member, mails: Callable[[Member], list[SentMail]]) -> None:
    booking = office.booked(office.event_type(requires_confirmation=False), at("10:00"))
    link, other = link_of(acme, booking), at("13:00", weekday(1))
    assert f"{link}?move=1" in office.stranger.get(link).raw.decode()
    calendar = office.stranger.request("GET", link, query={"move": "1", "date": weekday(1).isoformat()}).raw.decode()
    assert other in calendar.replace("%3A", ":") and "has to confirm it" not in calendar
    chosen = office.stranger.request("GET", link, query={"move": "1", "time": other}).raw.decode()
    assert 'name="action" value="move"' in chosen and status_of(acme, booking) == "CONFIRMED"
    taken = post(office, link, action="move", time=at("03:00"))
    assert (taken.status, status_of(acme, booking)) == (422, "CONFIRMED")
    moved = post(office, link, action="move", time=other, reason="A train")
    assert moved.status == 303, moved.raw
    new = acme.get(f"/v1/scheduling/bookings/{booking['id']}").body["rescheduled_to_id"]
    fresh = link_of(acme, {"id": new})
    assert moved.headers["location"] == f"{fresh}?done=moved"
    assert acme.get(f"/v1/scheduling/bookings/{new}").body["start_time"] == other
    assert fresh in office.stranger.get(link).raw.decode()  # the old link leads on
    assert post(office, link, action="move", time=at("14:00")).status == 409
    assert mails(acme)[-1].text.count("/hosts/") == 1
    (row,) = acme.rows(select(AuditLog).where(AuditLog.action == "booking.rescheduled", AuditLog.entity_id == UUID(new)))
    assert (row.actor_id, row.new_values["rescheduled_by"]) == (acme.user_id, "HOST")


def test_each_host_has_a_link_of_their_own_and_the_invitee_none(
    office: Office, acme: Member, world: World, mails: Callable[[Member], list[SentMail]]
) -> None:
    colleague = acme.as_role("MEMBER")
    assert colleague.post("/v1/scheduling/schedules", hours()).status == 201
    booking = office.booked(office.event_type(kind="COLLECTIVE", hosts=hosts(acme, colleague)), at("10:00"))
    assert link_of(acme, booking) in mails(acme)[-1].text
    assert link_of(acme, booking, colleague) in mails(colleague)[-1].text
    visitors = [mail["raw"] for mail in world.mails() if "grace@visitor.example" in mail["to"] and booking["id"] in mail["raw"]]
    assert visitors and "/hosts/" not in "".join(visitors)
    post(office, link_of(acme, booking, colleague), action="cancel")
    (row,) = acme.rows(select(AuditLog).where(AuditLog.action == "booking.canceled", AuditLog.entity_id == UUID(booking["id"])))
    assert row.actor_id == colleague.user_id
    assert "/hosts/" not in mails(acme)[-1].text  # there is nothing to decide any more


def left(acme: Member, host: Member, booking: dict[str, Any]) -> Any:
    return update(OrganizationMember).where(OrganizationMember.user_id == host.user_id).values(deactivated_at=now())


def over(acme: Member, host: Member, booking: dict[str, Any]) -> Any:
    then = now() - timedelta(hours=1)
    return update(Booking).where(Booking.id == booking["id"]).values(start_time=then - timedelta(minutes=30), end_time=then)


def closed(acme: Member, host: Member, booking: dict[str, Any]) -> Any:
    return update(Organization).where(Organization.id == acme.organization_id).values(deleted_at=now())


def account_deleted(acme: Member, host: Member, booking: dict[str, Any]) -> Any:
    return update(User).where(User.id == host.user_id).values(deleted_at=now())


@pytest.mark.parametrize("ending", [left, over, closed, account_deleted])
def test_the_link_ends_with_its_reason(office: Office, acme: Member, world: World, ending: Callable[..., Any]) -> None:
    host = acme.as_role("MEMBER")
    host_office = Office(world, host)
    booking = host_office.booked(host_office.event_type(requires_confirmation=True), at("10:00"))
    link = link_of(acme, booking, host)
    assert office.stranger.get(link).status == 200
    with transactions.transaction(acme.caller) as session:
        session.execute(ending(acme, host, booking), execution_options={"synchronize_session": False})
    for answer in (office.stranger.get(link), post(office, link, action="confirm"), post(office, link, action="decline")):
        assert answer.status == 410
        assert "Grace" not in answer.raw.decode() and "Introduction" not in answer.raw.decode()
    (row,) = acme.rows(select(Booking).where(Booking.id == booking["id"]))
    assert (row.status.value, row.sequence) == ("PENDING", 0)


def test_the_link_of_who_handed_it_over_opens_nothing(office: Office, acme: Member) -> None:
    colleague = acme.as_role("MEMBER")
    assert colleague.post("/v1/scheduling/schedules", hours()).status == 201
    made = pool(office, "PRIORITY", acme, colleague, priority=[2, 1])
    booking = office.booked(office.event_type(kind="ROUND_ROBIN", pool_id=made["id"]), at("09:00"))
    old, new = link_of(acme, booking), link_of(acme, booking, colleague)
    assert (office.stranger.get(old).status, office.stranger.get(new).status) == (200, 410)
    assert acme.post(f"/v1/scheduling/bookings/{booking['id']}/reassign").status == 200
    assert (office.stranger.get(old).status, office.stranger.get(new).status) == (410, 200)
    assert post(office, old, action="cancel").status == 410
    assert status_of(acme, booking) == "CONFIRMED"


def test_a_host_who_may_only_look_by_now_only_looks(office: Office, acme: Member, world: World) -> None:
    host = acme.as_role("MEMBER")
    host_office = Office(world, host)
    booking = host_office.booked(host_office.event_type(), at("10:00"))
    link = link_of(acme, booking, host)
    with transactions.transaction(acme.caller) as session:
        session.execute(update(OrganizationMember).where(OrganizationMember.user_id == host.user_id).values(role=MemberRole.VIEWER))
    page = office.stranger.get(link)
    assert (page.status, "<form" in page.raw.decode(), "not change them" in page.raw.decode()) == (200, False, True)
    for action in ("cancel", "move"):
        assert post(office, link, action=action, time=at("11:00")).status == 403
    assert status_of(acme, booking) == "CONFIRMED"


def test_a_link_that_we_have_not_made_opens_nothing(office: Office, acme: Member, globex: Member, event_type: dict[str, Any]) -> None:
    booking = office.booked(event_type, at("10:00"))
    token = link_of(acme, booking).removeprefix("/hosts/")
    stranger = HostKey(acme.organization_id, UUID(booking["id"]), globex.user_id).token
    moved = HostKey(globex.organization_id, UUID(booking["id"]), acme.user_id).token
    wrong = [
        token[:-1],
        token + "A",
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        ("B" if token[0] != "B" else "C") + token[1:],
        stranger[:64] + token[64:],
        token_of(acme, booking),
        "x",
        "%00",
        "é" * 107,
        "=" * 107,
    ]
    for forged in wrong:
        for answer in (office.stranger.get(f"/hosts/{forged}"), post(office, f"/hosts/{forged}", action="cancel")):
            assert answer.status in (400, 404), (forged, answer.status)
    for well_made in (stranger, moved):  # signed, and not true
        assert office.stranger.get(f"/hosts/{well_made}").status == 410
    assert office.stranger.get(f"/bookings/{token}").status == 404
    assert status_of(acme, booking) == "CONFIRMED"


def test_a_plus_that_nobody_encoded_stays_one(office: Office, event_type: dict[str, Any]) -> None:
    path = "/" + "/".join(office.stranger.get(f"/v1/scheduling/event-types/{event_type['id']}/public").body["url"].split("/")[3:])
    query = {"email": "grace hopper@visitor.example", "time": at("10:00"), "timezone": "Etc/Unknown"}
    page = office.stranger.request("GET", path, query=query)
    assert (page.status, 'value="grace+hopper@visitor.example"' in page.raw.decode()) == (200, True)
