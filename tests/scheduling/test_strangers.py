"""What one stranger may hold and book, from one network and from fifty, and that a class behind one network still can."""

from __future__ import annotations

import itertools
import re
import unicodedata
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from local.client import Answer
from parley.kernel.values.clock import now
from parley.notifications.email.email_message import LONGEST_NAME, display_name
from parley.scheduling.availability import day_quotas
from parley.scheduling.bookings import booking_limits
from parley.scheduling.bookings.booking_service import management_token
from parley.scheduling.tables.booking_models import Booking, Hold
from tests.harness import Client, Member, World
from tests.scheduling.booking_scenarios import Office, SentMail, at, invitee, weekday
from tests.scheduling.test_booking_page import hidden, submit, text

_networks = itertools.count(1)
DAY = [f"{hour:02}:{minute}" for hour in range(9, 17) for minute in ("00", "15", "30", "45")]


@pytest.fixture
def somewhere(world: World) -> Client:
    """Somebody in a network of which nobody else comes."""
    return strangers(world, 1)[0]


def strangers(world: World, count: int) -> list[Client]:
    return [Client(world, ip=f"198.19.{at_ // 250}.{at_ % 250 + 1}") for at_ in itertools.islice(_networks, count)]


def hold(client: Client, event_type: dict[str, Any], start: str, **more: str) -> Answer:
    return client.post(f"/v1/scheduling/event-types/{event_type['id']}/holds", {"start_time": start, **more})


def statuses(answers: list[Answer]) -> dict[int, int]:
    codes = [answer.status for answer in answers]
    return {status: codes.count(status) for status in sorted(set(codes))}


# --- holds -------------------------------------------------------------------------------------------------------------------------------


def test_one_network_holds_a_few_times_and_the_day_stays_open(office: Office, somewhere: Client) -> None:
    event_type = office.event_type(slot_interval=15)
    offered = office.starts(event_type, weekday(0))
    answers = [hold(somewhere, event_type, at(clock)) for clock in DAY]
    assert statuses(answers)[201] <= booking_limits.HOLDS.most
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.body["code"] == "rate_limit_exceeded" and int(refused.headers["retry-after"]) >= 1
    left = office.starts(event_type, weekday(0))
    assert len(left) >= len(offered) // 2
    office.booked(event_type, at(left[0]))


def test_fifty_networks_together_leave_half_of_a_day(office: Office, world: World) -> None:
    event_type = office.event_type(slot_interval=15)
    offered = office.starts(event_type, weekday(0))
    for client, clock in zip(strangers(world, 50), itertools.cycle(DAY), strict=False):
        answer = hold(client, event_type, at(clock))
        assert answer.status in (201, 409, 429, 422)
    left = office.starts(event_type, weekday(0))
    assert len(offered) > len(left) >= 7  # as many half hours as fit into half the day, and some of them at two starts
    office.booked(event_type, at(left[0]))
    assert [hold(strangers(world, 1)[0], event_type, at(clock)).body["code"] for clock in left[2:4]] == ["day_mostly_held"] * 2


@pytest.mark.parametrize("terms", [{"duration": 240}, {"kind": "GROUP", "capacity": 4, "duration": 240}, {"slot_interval": 5}])
def test_whatever_is_offered_the_last_of_a_day_is_nobodys_to_hold(office: Office, world: World, terms: dict[str, Any]) -> None:
    event_type = office.event_type(**terms)
    starts = office.starts(event_type, weekday(0))
    for client, clock in zip(strangers(world, 12), itertools.cycle(starts), strict=False):
        hold(client, event_type, at(clock))
    left = office.starts(event_type, weekday(0))
    assert left
    office.booked(event_type, at(left[-1]))


def test_a_hold_of_another_event_type_of_the_host_counts_as_well(office: Office, world: World) -> None:
    kinds = [office.event_type() for _ in range(3)]
    for client, (clock, event_type) in zip(strangers(world, 32), itertools.product(DAY[::2], kinds), strict=False):
        hold(client, event_type, at(clock))
    assert all(len(office.starts(event_type, weekday(0))) >= 8 for event_type in kinds)


def test_who_chooses_another_time_gives_the_first_one_back(office: Office, event_type: dict[str, Any], somewhere: Client) -> None:
    token = hold(somewhere, event_type, at("09:00")).body["token"]
    for clock in ("10:00", "11:00", "12:00"):
        token = hold(somewhere, event_type, at(clock), instead_of=token).body["token"]
    assert len(office.starts(event_type, weekday(0))) == 15
    her = invitee(email=f"{event_type['id']}@visitor.example")
    body = {"event_type_id": event_type["id"], "start_time": at("12:00"), "invitee": her, "hold_token": token}
    assert somewhere.post("/v1/scheduling/bookings", body).status == 201


def test_holds_use_up_nothing_of_a_limit(office: Office, world: World) -> None:
    event_type = office.event_type(max_bookings_per_day=2)
    held = [hold(client, event_type, at(clock)).status for client, clock in zip(strangers(world, 4), DAY[::2], strict=False)]
    assert held == [201] * 4
    assert office.book(event_type, at("15:00")).status == 201
    assert office.book(event_type, at("16:00")).status == 201


# --- bookings ----------------------------------------------------------------------------------------------------------------------------


def book(client: Client, event_type: dict[str, Any], start: str, address: str, **more: str) -> Answer:
    body = {"event_type_id": event_type["id"], "start_time": start, "invitee": invitee(email=address), **more}
    return client.post("/v1/scheduling/bookings", body)


def code_of(world: World, address: str) -> str:
    world.pump()
    subjects = [str(SentMail(mail["raw"]).message["Subject"]) for mail in world.mails() if address in mail["to"]]
    return next(subject[:6] for subject in reversed(subjects) if "is your code to book" in subject)


def test_forty_behind_one_network_book_at_once(office: Office, world: World) -> None:
    """A class: each looks, has a time held where that goes, and books: without a code while there is room for that, with one from then on.
    Half of them want a time that somebody else has just taken."""
    event_type, network = office.event_type(), strangers(world, 1)[0].ip
    week = {"from": at("00:00"), "to": at("23:00", weekday(4))}
    starts = iter([at(clock, weekday(day)) for day in range(3) for clock in office.starts(event_type, weekday(day))])
    proof_count = 0
    for number in range(40):
        pupil, start, address = Client(world, ip=network), next(starts), f"{number}-{uuid4().hex}@school.example"
        looked = pupil.request("GET", f"/v1/scheduling/event-types/{event_type['id']}/slots", query=week)
        held = hold(pupil, event_type, start)
        assert (looked.status, held.status in (201, 429)) == (200, True)
        more = {"hold_token": held.body["token"]} if held.status == 201 else {}
        booked = book(pupil, event_type, start, address, **more)
        if booked.status == 409:
            proof, proof_count = code_of(world, address), proof_count + 1
            booked = book(pupil, event_type, start, address, hold_token=booked.body["hold_token"], address_proof=proof)
        assert booked.status == 201
        if number % 2 and number < 36:
            assert book(pupil, event_type, start, f"pupil-{number}@school.example").body["code"] == "slot_taken"
    assert proof_count == 8 + 8  # of two days of sixteen times; of the third no more are wanted than half


def emptied(clients: list[Client], event_type: dict[str, Any], clocks: list[str], **more: str) -> dict[int, int]:
    """What comes of booking all of a day in invented names, from one network after the other."""
    answers = [
        book(client, event_type, at(clock), f"{uuid4().hex}@invented.example", **more)
        for client, clock in zip(itertools.cycle(clients), clocks, strict=False)
    ]
    assert {answer.body["code"] for answer in answers if answer.status == 409} <= {"address_proof_needed", "slot_taken"}
    return statuses(answers)


@pytest.mark.parametrize(
    "terms", [{}, {"duration": 120}, {"kind": "GROUP", "capacity": 4, "duration": 120}, {"max_bookings_per_day": 6}, {"buffer_after": 30}]
)
def test_invented_names_leave_a_quarter_of_a_day(office: Office, world: World, terms: dict[str, Any]) -> None:
    """One network half of the room, at least three; all of them three quarters. Who shows that they read their address books the rest."""
    event_type = office.event_type(**terms)
    clocks = office.starts(event_type, weekday(0))
    if terms.get("kind") == "GROUP":
        clocks = [clock for clock in clocks for _ in range(4)]
    elif "buffer_after" in terms:
        clocks = clocks[::2]
    room = terms.get("max_bookings_per_day", len(clocks))
    (network,) = strangers(world, 1)
    assert emptied([network], event_type, clocks)[201] == max(day_quotas.FEW, room // 2)
    many = emptied(strangers(world, 20), event_type, clocks)
    assert max(day_quotas.FEW, room // 2) + many.get(201, 0) <= room * 3 // 4
    left = office.starts(event_type, weekday(0))
    assert left
    honest, address = strangers(world, 1)[0], f"{uuid4().hex}@honest.example"
    needed = book(honest, event_type, at(left[-1]), address)
    assert needed.body["code"] == "address_proof_needed"
    proof = code_of(world, address)
    more = {"hold_token": needed.body["hold_token"], "address_proof": proof}
    assert book(honest, event_type, at(left[-1]), address, **more).status == 201


def test_a_week_that_takes_few_is_not_one_networks(office: Office, world: World) -> None:
    event_type = office.event_type(max_bookings_per_week=4)
    (network,) = strangers(world, 1)
    days = [book(network, event_type, at("10:00", weekday(day)), f"{uuid4().hex}@invented.example") for day in range(5)]
    assert statuses(days) == {201: 3, 409: 2}
    assert {answer.body["code"] for answer in days[3:]} == {"address_proof_needed"}


def test_days_that_have_room_for_one_are_not_one_networks(office: Office, world: World) -> None:
    event_type = office.event_type(max_bookings_per_day=1)
    (network,) = strangers(world, 1)
    days = [book(network, event_type, at("10:00", weekday(day)), f"{uuid4().hex}@invented.example") for day in range(5)]
    assert statuses(days) == {201: 2, 409: 3}
    others = [
        book(client, event_type, at("10:00", weekday(day, 3)), f"{uuid4().hex}@invented.example")
        for day, client in enumerate(strangers(world, 5))
    ]
    assert statuses(others) == {201: 3, 409: 2}


def test_a_host_with_many_event_types_has_one_day(office: Office, world: World) -> None:
    kinds = [office.event_type() for _ in range(3)]
    clocks = office.starts(kinds[0], weekday(0))
    for kind in kinds:
        emptied(strangers(world, 8), kind, clocks)
    assert [len(office.starts(kind, weekday(0))) for kind in kinds] == [2] * 3  # and two are held, for who was sent a code


def test_what_is_proved_or_confirmed_or_canceled_counts_no_more(office: Office, acme: Member, world: World) -> None:
    event_type = office.event_type(requires_confirmation=True, duration=120)  # room for four
    (network,) = strangers(world, 1)
    assert emptied([network], event_type, office.starts(event_type, weekday(0))) == {201: 3, 409: 1}
    first, second, _ = acme.rows(select(Booking.id).order_by(Booking.start_time))
    assert acme.post(f"/v1/scheduling/bookings/{first}/confirm").status == 200
    assert acme.rows(select(Booking.unproven_network).where(Booking.id == first)) == [None]
    assert acme.post(f"/v1/scheduling/bookings/{second}/decline").status == 200
    assert emptied([network], event_type, office.starts(event_type, weekday(0))) == {201: 1, 409: 1}


def test_who_proves_nothing_does_not_move_into_a_full_day(office: Office, acme: Member, world: World) -> None:
    """The link of a booking is on the page that follows it, so it proves nothing."""
    event_type = office.event_type(duration=120)
    clocks = office.starts(event_type, weekday(0))
    assert emptied(strangers(world, 4), event_type, clocks)[201] == 3
    (left,) = office.starts(event_type, weekday(0))
    (client,) = strangers(world, 1)
    elsewhere = book(client, event_type, at(clocks[0], weekday(1)), f"{uuid4().hex}@invented.example")
    (booking,) = acme.rows(select(Booking).where(Booking.id == elsewhere.body["id"]))
    path = f"/v1/scheduling/managed-bookings/{management_token(booking)}/reschedule"
    refused = client.post(path, {"start_time": at(left)})
    assert (refused.status, refused.body["code"]) == (409, "day_mostly_unproven")
    assert client.post(path, {"start_time": at(clocks[1], weekday(1))}).status == 201


def test_who_books_often_in_one_name_proves_it(office: Office, world: World, somewhere: Client) -> None:
    """Whoever reads the address goes on with the code; whoever does not has a few, and the address gets a few mails."""
    event_type, address = office.event_type(), f"{uuid4().hex}@victim.example"
    clocks = office.starts(event_type, weekday(0)) + office.starts(event_type, weekday(1))
    answers = [book(somewhere, event_type, at(clock, weekday(at_ // 16)), address) for at_, clock in enumerate(clocks)]
    assert statuses(answers) == {201: 5, 409: 5, 429: len(clocks) - 10}
    assert {answer.body["code"] for answer in answers[5:10]} == {"address_proof_needed"}
    needed = answers[5].body
    wrong = book(somewhere, event_type, at("14:00", weekday(2)), address, address_proof="000000")
    proof = code_of(world, address)
    assert (wrong.status, wrong.body["code"]) == (422, "address_proof_wrong") or proof == "000000"
    booked = book(somewhere, event_type, at(clocks[5]), address, address_proof=proof, hold_token=needed["hold_token"])
    assert booked.status == 201
    assert sum(address in mail["to"] for mail in world.mails()) <= 5 + 5 + 1
    assert book(strangers(world, 1)[0], event_type, at("15:00", weekday(2)), f"{uuid4().hex}@other.example").status == 201


@pytest.mark.parametrize("domain", ["victim.example", "gmail.com"])
def test_an_address_in_many_spellings_is_one_mailbox(office: Office, world: World, domain: str) -> None:
    event_type, name = office.event_type(slot_interval=15, duration=15), uuid4().hex
    spelled = [name, name.upper(), *(f"{name}+{tag}" for tag in range(5))]
    spelled += [f"{name[:position]}.{name[position:]}" for position in range(1, 6)] if domain == "gmail.com" else []
    answers = [
        book(client, event_type, at("10:00", weekday(number % 5, 2 + number // 5)), f"{spelling}@{domain}")
        for number, (client, spelling) in enumerate(zip(strangers(world, len(spelled)), spelled, strict=True))
    ]
    assert statuses(answers)[201] == booking_limits.OF_ADDRESS.most
    assert {answer.body["code"] for answer in answers[5:]} <= {"address_proof_needed", "rate_limit_exceeded"}


def test_codes_can_not_be_guessed_for_long(office: Office, somewhere: Client) -> None:
    event_type, address = office.event_type(), f"{uuid4().hex}@victim.example"
    answers = [book(somewhere, event_type, at("10:00"), address, address_proof=f"{at_:06}") for at_ in range(14)]
    assert statuses(answers) == {422: booking_limits.TRIES.most, 429: 4}


def test_an_event_type_may_want_a_proof_of_everybody(office: Office, acme: Member, world: World) -> None:
    event_type, address = office.event_type(requires_address_proof=True), f"{uuid4().hex}@visitor.example"
    assert office.stranger.get(f"/v1/scheduling/event-types/{event_type['id']}/public").body["requires_address_proof"] is True
    needed = book(office.stranger, event_type, at("10:00"), address)
    assert (needed.status, needed.body["code"]) == (409, "address_proof_needed")
    assert acme.rows(select(Booking.id)) == []
    assert book(office.stranger, event_type, at("10:00"), f"{uuid4().hex}@other.example").body["code"] == "slot_taken"
    (minutes,) = acme.rows(select(Hold.expires_at))
    assert minutes <= now() + timedelta(minutes=5)
    proof = code_of(world, address)
    assert book(office.stranger, event_type, at("11:00"), f"{uuid4().hex}@other.example", address_proof=proof).status == 422
    done = book(office.stranger, event_type, at("10:00"), address, address_proof=proof, hold_token=needed.body["hold_token"])
    assert done.status == 201 and acme.rows(select(Hold.id)) == []
    member = {"start_time": at("12:00"), "invitee": invitee(email=address)}
    assert acme.post(f"/v1/scheduling/event-types/{event_type['id']}/bookings", member).status == 201


def test_the_page_asks_for_the_code_without_scripts(office: Office, acme: Member, world: World, somewhere: Client) -> None:
    event_type, address = office.event_type(requires_address_proof=True), f"{uuid4().hex}@visitor.example"
    path = f"/acme-{acme.organization_id.hex}/{event_type['slug']}"
    form = hidden(somewhere.get(path, time=at("10:00"), timezone="Europe/Berlin"))
    grace = {"name": "Grace Hopper", "email": address}
    page = submit(somewhere, path, form | grace)
    assert page.status == 409 and 'name="address_proof"' in text(page) and "sent a code" in text(page)
    again = submit(somewhere, path, hidden(page) | grace | {"address_proof": "12"})
    assert again.status == 422 and "six digits" in text(again)
    booked = submit(somewhere, path, hidden(page) | grace | {"address_proof": code_of(world, address)})
    assert booked.status == 303


def test_who_fills_in_the_field_that_nobody_sees_books_nothing(office: Office, acme: Member, somewhere: Client) -> None:
    event_type = office.event_type()
    path = f"/acme-{acme.organization_id.hex}/{event_type['slug']}"
    page = somewhere.get(path, time=at("10:00"), timezone="Europe/Berlin")
    assert 'name="homepage"' in text(page)
    grace = {"name": "Grace Hopper", "email": f"{event_type['id']}@visitor.example"}
    caught = submit(somewhere, path, hidden(page) | grace | {"homepage": "https://evil.example"})
    assert caught.status == 422 and "filled in by a program" in text(caught) and "evil.example" not in text(caught)
    assert acme.rows(select(Booking.id)) == []
    assert submit(somewhere, path, hidden(caught) | grace | {"homepage": ""}).status == 303


# --- names -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "You won 1000 USD, claim at https://evil.example/x now",
        "www.evil.example",
        "evil。example",
        "Call x.com or write to eve@evil.example",
        "Eve\uff20evil\uff0eexample",
        "evil\u2024example",
        "evil\u200d.\u200dexample",
        "evil\u200b.example",
        "evil\u00ad.example",
        "https:\u2060//evil.example",
    ],
)
def test_a_name_carries_no_address_into_headers_and_calendars(office: Office, world: World, name: str) -> None:
    event_type, address = office.event_type(), f"{uuid4().hex}@visitor.example"
    office.booked(event_type, at("10:00"), invitee=invitee(name=name, email=address))
    world.pump()
    (invitee_letter,) = [SentMail(mail["raw"]) for mail in world.mails() if address in mail["to"]]
    (hosts,) = [SentMail(mail["raw"]) for mail in world.mails() if f"{office.host.user_id}@acme.test" in mail["to"]]
    shown = [
        str(header) for letter in (invitee_letter, hosts) for key, header in letter.message.items() if key in ("To", "Reply-To", "Subject")
    ]
    shown += [str(letter.event["SUMMARY"]) for letter in (invitee_letter, hosts)] + [invitee_letter.text, hosts.text, hosts.html]
    for line in shown:
        seen = re.sub("[\u200b-\u200f\u00ad\u2060]", "", unicodedata.normalize("NFKC", line.replace(address, "")))
        assert not re.search(r"evil\.example|evil\.?\u3002example|x\.com|www\.evil|://evil", seen), line


@pytest.mark.parametrize(
    "domain",
    [
        "evil.xn--p1ai",
        "xn--e1afmkfd.xn--p1ai",
        "\u0928\u0947\u091f\u0935\u0930\u094d\u0915.\u092d\u093e\u0930\u0924",
        "\u0939\u093f\u0928\u094d\u0926\u0940.com",
        "\U0001f4a9.la",
        "evil-.com",
        "evil.c\u0336om",
    ],
)
def test_a_domain_of_any_script_in_a_name_is_no_link(domain: str) -> None:
    assert display_name(f"Pay at {domain} now").split() == ["Pay", "at", *domain.replace(".", ". ").split(), "now"]


@pytest.mark.parametrize(
    "name",
    [
        "O'Neil-Smith (Acme, Inc.)",
        "M\u00fcller e.V. (.NET)",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "Dr. J. R. R. Tolkien",
        "María José Ñandú",
        "李小龍",
        "Jean-Luc d'Été, Ph.D.",
    ],
)
def test_a_name_stays_as_its_owner_writes_it(name: str) -> None:
    assert display_name(name) in (name, name.replace("Ph.D.", "Ph. D."))
    assert len(display_name("x" * 200)) == LONGEST_NAME


# --- an organization's own limits --------------------------------------------------------------------------------------------------------


def test_an_organization_sets_what_strangers_may(office: Office, acme: Member, globex: Member, world: World) -> None:
    event_type, path = office.event_type(), "/v1/identity/organization"
    own = {"bookings_of_address": 2, "bookings_from_network": None, "holds_of_event_type_from_network": 1}
    assert acme.as_role("MEMBER").patch(path, {"visitor_limits": own}).status == 403
    changed = acme.as_role("ADMIN").patch(path, {"visitor_limits": own})
    assert (changed.status, changed.body["visitor_limits"]) == (200, own)
    elsewhere = Office(world, globex)
    other, address = elsewhere.event_type(), f"{uuid4().hex}@visitor.example"
    for offered, most in ((event_type, 2), (other, booking_limits.OF_ADDRESS.most)):
        (client,) = strangers(world, 1)
        answers = [book(client, offered, at("10:00", weekday(day % 5, 1 + day // 5)), f"{most}.{address}") for day in range(6)]
        assert statuses(answers)[201] == most, [answer.raw for answer in answers]
        assert {answer.body["code"] for answer in answers[most:]} == {"address_proof_needed"}
    (client,) = strangers(world, 1)
    assert [hold(client, event_type, at(clock)).status for clock in ("13:00", "14:00")] == [201, 429]
    assert [hold(client, other, at(clock)).status for clock in ("13:00", "14:00")] == [201, 201]
    assert acme.patch(path, {"visitor_limits": None}).body["visitor_limits"] is None
    (client,) = strangers(world, 1)
    assert [hold(client, event_type, at(clock)).status for clock in ("15:00", "16:00")] == [201, 201]


@pytest.mark.parametrize("number", [0, -1, 21, 10**9, "3", 2.5, True])
def test_what_strangers_may_has_bounds(acme: Member, number: Any) -> None:
    answer = acme.patch("/v1/identity/organization", {"visitor_limits": {"bookings_of_address": number}})
    assert (answer.status, answer.body["code"]) == (422, "invalid_request"), answer.raw
