"""The booking page as a browser without scripts gets it: a month, a day, a time, a form, what was booked."""

from __future__ import annotations

import html
import re
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from sqlalchemy import select

from local.client import Answer
from parley.identity.organizations.schemas import RESERVED
from parley.kernel.values.ids import new_id
from parley.scheduling.tables.booking_models import Booking, Invitee
from tests.harness import Client, Member, World
from tests.scheduling.booking_scenarios import Office, at, weekday
from tests.scheduling.routing_scenarios import SUBMISSIONS, RoutingScenario

BERLIN_TIME = ZoneInfo("Europe/Berlin")
FORM = {"content-type": "application/x-www-form-urlencoded"}
QUESTIONS: list[dict[str, Any]] = [
    {"label": "Subject", "type": "SINGLE_SELECT", "required": True, "options": ["Sales", "Support"]},
    {"label": "Company", "type": "SHORT_TEXT", "placeholder": "Globex"},
    {"label": "More", "type": "LONG_TEXT"},
    {"label": "Days", "type": "MULTI_SELECT", "required": True, "options": ["Mon", "Tue & Wed"]},
    {"label": "People", "type": "NUMBER"},
    {"label": "Call me", "type": "PHONE"},
    {"label": "Assistant", "type": "EMAIL"},
]


def path_of(office: Office, event_type: dict[str, Any]) -> str:
    url = str(office.stranger.get(f"/v1/scheduling/event-types/{event_type['id']}/public").body["url"])
    return "/" + "/".join(url.split("/")[3:])


def text(answer: Answer) -> str:
    return str(answer.body)


def hidden(page: Answer) -> dict[str, str]:
    """The hidden fields of the form that books."""
    form = text(page).partition('<form method="post"')[2]
    return {html.unescape(name): html.unescape(value) for name, value in re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form)}


def names(page: Answer) -> dict[str, str]:
    """By label, the name of the field."""
    fields = re.findall(r'<label for="([^"]+)">([^<]+?)\s*<', text(page))
    fields += [(name, label) for label, name in re.findall(r"<legend>([^<]+?)\s*<.*?name=\"([^\"]+)\"", text(page), re.DOTALL)]
    return {html.unescape(label): name for name, label in fields}


def submit(stranger: Client, path: str, fields: dict[str, Any]) -> Answer:
    return stranger.request("POST", path, urlencode(fields, doseq=True).encode(), FORM)


GRACE = {"name": "Grace Hopper", "email": "grace@visitor.example"}


@pytest.fixture
def path(office: Office, event_type: dict[str, Any]) -> str:
    return path_of(office, event_type)


def test_a_month_a_day_a_time_a_form_and_a_booking(office: Office, acme: Member, stranger: Client) -> None:
    event_type = office.event_type(questions=QUESTIONS)
    path, start = path_of(office, event_type), at("10:00")
    month = stranger.get(path, timezone="Europe/Berlin", date=str(weekday(0)), utm_source="letter", referrer="https://blog.example/a")
    assert (month.status, month.headers["content-type"]) == (200, "text/html; charset=utf-8")
    links = [html.unescape(link) for link in re.findall(r'href="([^"]+time=[^"]+)"', text(month))]
    (chosen,) = [link for link in links if parse_qs(urlsplit(link).query)["time"] == [start]]
    assert len(links) == 16

    form = stranger.get(chosen)
    fields = names(form)
    assert fields.keys() >= {question["label"] for question in QUESTIONS} | {"Your name", "E-mail address"}
    filled = hidden(form) | GRACE
    filled |= {fields["Subject"]: "Sales", fields["Company"]: "Globex", fields["More"]: "a\r\nb", fields["People"]: "3"}
    filled |= {fields["Call me"]: "+49 30 123456", fields["Assistant"]: "ada@visitor.example"}
    wanted: dict[str, Any] = filled | {fields["Days"]: ["Mon", "Tue & Wed"]}
    done = submit(stranger, path, wanted)
    assert done.status == 303, text(done)

    shown = stranger.get(done.headers["location"])
    assert shown.status == 200
    assert "You are booked" in text(shown) and "10:00 to 10:30 (Europe/Berlin)" in text(shown)
    (booking,) = acme.rows(select(Booking))
    answers = {answer["label"]: answer["value"] for answer in acme.get(f"/v1/scheduling/bookings/{booking.id}").body["answers"]}
    assert answers == {
        "Subject": "Sales", "Company": "Globex", "More": "a\nb", "Days": ["Mon", "Tue & Wed"], "People": 3,
        "Call me": "+49 30 123456", "Assistant": "ada@visitor.example",
    }  # fmt: skip
    (grace,) = acme.rows(select(Invitee))
    assert (grace.utm_source, grace.referrer, grace.timezone) == ("letter", "https://blog.example/a", "Europe/Berlin")

    again = submit(stranger, path, wanted)
    assert (again.status, again.headers["location"]) == (303, done.headers["location"]), "sent twice, booked once"
    assert len(acme.rows(select(Booking))) == 1


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(office: Office, stranger: Client) -> None:
    event_type = office.event_type(questions=QUESTIONS)
    path = path_of(office, event_type)
    form = stranger.get(path, time=at("10:00"), timezone="Europe/Berlin")
    fields = names(form)
    typed = {
        "name": "<b>Grace</b>",
        "email": "grace@nowhere",
        fields["People"]: "many",
        fields["Call me"]: "x",
        fields["Company"]: "Globex",
    }
    page = submit(stranger, path, hidden(form) | typed)
    assert page.status == 422
    assert 'role="alert"' in text(page)
    for name in ("email", fields["Subject"], fields["Days"], fields["People"], fields["Call me"]):
        assert f'id="{name}-error"' in text(page), name
        assert f'{name}-error"' in text(page).partition('aria-describedby="')[2]
    assert "name-error" not in text(page)
    assert html.escape("<b>Grace</b>") in text(page) and 'value="Globex"' in text(page)
    assert "<b>Grace" not in text(page)
    assert hidden(page)["time"] == at("10:00")


def test_the_link_of_a_routing_form_books_by_its_submission(office: Office, event_type: dict[str, Any], stranger: Client) -> None:
    intake = RoutingScenario(office)
    led = intake.led(intake.form(fallback={"event_type_id": event_type["id"]}), E_mail="grace@navy.example")
    link = "/" + led["event_type"]["link"].split("/", 3)[3]
    form = stranger.get(f"{link}&{urlencode({'time': at('10:00')})}")
    done = submit(stranger, urlsplit(link).path, hidden(form) | GRACE)
    assert done.status == 303, text(done)
    seen = office.host.get(f"{SUBMISSIONS}/{led['submission_id']}").body
    assert office.host.get(f"/v1/scheduling/bookings/{seen['booking_id']}").body["start_time"] == at("10:00")


@pytest.mark.parametrize("kind", ["elsewhere", "nobody's", "junk", "long", "hostile"])
def test_a_submission_that_led_elsewhere_is_passed_over(
    office: Office, event_type: dict[str, Any], stranger: Client, acme: Member, path: str, kind: str
) -> None:
    intake = RoutingScenario(office)
    elsewhere = {"event_type_id": office.event_type()["id"]}
    submission_ids = {"nobody's": str(new_id()), "junk": "abc", "long": "a" * 5000, "hostile": "'; --\u202e"}
    submission = submission_ids.get(kind) or intake.led(intake.form(fallback=elsewhere))["submission_id"]
    form = stranger.get(path, time=at("10:00"), routing_submission_id=submission)
    assert form.status == 200
    done = submit(stranger, path, {"routing_submission_id": submission} | hidden(form) | GRACE)
    assert done.status == 303, text(done)
    assert [booking.routing_submission_id for booking in acme.rows(select(Booking))] == [None]


def test_a_slot_that_was_taken_in_between(office: Office, event_type: dict[str, Any], stranger: Client, acme: Member, path: str) -> None:
    form = stranger.get(path, time=at("10:00"), timezone="Europe/Berlin")
    office.booked(event_type, at("10:00"))
    page = submit(stranger, path, hidden(form) | GRACE | {"notes": "Kept, too"})
    assert page.status == 409
    assert "Someone else has this slot" in text(page) and "What you typed is kept" in text(page)
    assert 'value="Grace Hopper"' in text(page) and "Kept, too" in text(page)
    others = re.findall(r'type="radio" name="time" value="([^"]+)"', text(page))
    assert at("10:30") in others and at("10:00") not in others
    assert "time" not in hidden(page)
    done = submit(stranger, path, hidden(page) | GRACE | {"time": at("10:30")})
    assert done.status == 303
    assert len(acme.rows(select(Booking))) == 2


def test_a_form_that_comes_again_changed_says_that_the_first_one_stands(
    stranger: Client, acme: Member, event_type: dict[str, Any], path: str
) -> None:
    form = stranger.get(path, time=at("10:00"), timezone="Europe/Berlin")
    assert submit(stranger, path, hidden(form) | GRACE).status == 303
    page = submit(stranger, path, hidden(form) | GRACE | {"name": "Ada Lovelace"})
    assert page.status == 422
    assert "was sent before, and what was booked then stands" in text(page) and "Idempotency" not in text(page)
    assert 'value="Ada Lovelace"' in text(page) and hidden(page)["once"] != hidden(form)["once"]
    assert submit(stranger, path, hidden(page) | GRACE | {"time": at("11:00")}).status == 303
    assert len(acme.rows(select(Booking))) == 2


def test_questions_that_were_changed_in_between_are_asked_anew(office: Office, acme: Member, stranger: Client) -> None:
    event_type = office.event_type(questions=[{"label": "Company", "type": "SHORT_TEXT"}])
    path = path_of(office, event_type)
    form = stranger.get(path, time=at("10:00"), timezone="Europe/Berlin")
    new = [{"label": "City", "type": "SHORT_TEXT"}]
    assert acme.patch(f"/v1/scheduling/event-types/{event_type['id']}", {"questions": new}).status == 200
    page = submit(stranger, path, hidden(form) | GRACE | {names(form)["Company"]: "Globex"})
    assert page.status == 422
    assert "have just been changed" in text(page) and names(page).keys() >= {"City"} and "Company" not in names(page)
    assert submit(stranger, path, hidden(page) | GRACE).status == 303


def test_a_form_without_a_time_asks_for_one(stranger: Client, path: str) -> None:
    page = submit(stranger, path, GRACE | {"timezone": "Europe/Berlin"})
    assert (page.status, "Choose a time. What you typed is kept." in text(page)) == (422, True)
    assert 'type="radio"' in text(page)


def test_a_time_that_is_gone_leads_to_the_calendar(office: Office, event_type: dict[str, Any], stranger: Client, path: str) -> None:
    office.booked(event_type, at("10:00"))
    page = stranger.get(path, time=at("10:00"), timezone="Europe/Berlin")
    assert page.status == 200
    assert "not open any more" in text(page) and "<table" in text(page)


def test_a_hold_of_ones_own_is_in_nobodys_way_but_others(office: Office, event_type: dict[str, Any], stranger: Client, path: str) -> None:
    held = stranger.post(f"/v1/scheduling/event-types/{event_type['id']}/holds", {"start_time": at("10:00")}).body["token"]
    query: dict[str, Any] = {"time": at("10:00"), "timezone": "Europe/Berlin"}
    assert "not open any more" in text(stranger.get(path, **query))
    form = stranger.get(path, {"parley-hold": held}, **query)
    assert "not open any more" not in text(form)
    refused = submit(stranger, path, hidden(form) | GRACE)
    assert refused.status == 409
    assert submit(stranger, path, hidden(form) | GRACE | {"hold_token": held}).status == 303


def test_days_are_the_visitors_own(office: Office, stranger: Client, path: str) -> None:
    """Nine in Berlin is past nine in the evening in Apia, and Friday's afternoon lies on its Saturday."""
    friday = weekday(4)
    page = stranger.get(path, timezone="Pacific/Apia", date=str(friday + timedelta(days=1)))
    expected = datetime.fromisoformat(at("12:00", friday)).astimezone(ZoneInfo("Pacific/Apia"))
    assert f">{expected:%H:%M}</time>" in text(page)
    assert "Times in Pacific/Apia" in text(page)
    assert 'value="Pacific/Apia" selected' in text(page)


def test_the_hour_that_comes_twice_says_which_one_it_is(office: Office, stranger: Client) -> None:
    """Clocks go back from three to two in Berlin on the last Sunday of October."""
    later = datetime.now(BERLIN_TIME).year + 1
    sunday = max(day for day in (date(later, 10, number) for number in range(25, 32)) if day.weekday() == 6)
    hours = [{"day_of_week": "SUNDAY", "start_time": "01:30", "end_time": "03:30"}]
    event_type = office.event_type({"slots": hours}, horizon_days=730)
    path = path_of(office, event_type)
    times = re.findall(r"<time [^>]+>([^<]+)</time>", text(stranger.get(path, date=str(sunday), timezone="Europe/Berlin")))
    assert times == ["01:30", "02:00 UTC+2", "02:30 UTC+2", "02:00 UTC+1", "02:30 UTC+1", "03:00"]
    form = stranger.get(path, time=f"{sunday}T00:30:00Z", timezone="Europe/Berlin")
    shown = stranger.get(submit(stranger, path, hidden(form) | GRACE).headers["location"])
    assert f"Sunday, {sunday.day} October {later}, 02:30 UTC+2 to 02:00 UTC+1 (Europe/Berlin)" in text(shown)


@pytest.mark.parametrize(
    "query",
    [
        "month=2026-13", "month=x", "date=2026-02-30", "date=9999-12-31", "time=now", "timezone=Mars/Olympus", "cursor=x", "host=%00",
        "time=1970-01-01T00:00:00Z", "month=2099-01", "date=1970-01-01", "embed=x", "utm_source=%0d%0a%e2%80%a8x", "booking=x",
    ],
)  # fmt: skip
def test_an_address_that_somebody_spoiled_still_shows_a_calendar(stranger: Client, path: str, query: str) -> None:
    page = stranger.get(f"{path}?{query}")
    assert page.status == {"host=%00": 400, "booking=x": 404}.get(query, 200)


def test_a_request_that_has_to_be_confirmed_says_so(office: Office, stranger: Client) -> None:
    path = path_of(office, office.event_type(requires_confirmation=True))
    form = stranger.get(path, time=at("10:00"), timezone="Europe/Berlin")
    assert "has to confirm it" in text(form) and "Ask for this time" in text(form)
    shown = stranger.get(submit(stranger, path, hidden(form) | GRACE).headers["location"])
    assert "Waiting to be confirmed" in text(shown)


def test_a_group_says_how_many_seats_are_left(office: Office, stranger: Client) -> None:
    event_type = office.event_type(kind="GROUP", capacity=3)
    office.booked(event_type, at("10:00"))
    page = stranger.get(path_of(office, event_type), date=str(weekday(0)), timezone="Europe/Berlin")
    assert "2 seats left" in text(page) and "3 seats left" in text(page)


def test_a_call_asks_for_the_number(office: Office, stranger: Client, acme: Member) -> None:
    path = path_of(office, office.event_type(location_type="PHONE", location_value=None))
    form = stranger.get(path, time=at("10:00"), timezone="Europe/Berlin")
    assert 'type="tel"' in text(form) and 'autocomplete="tel"' in text(form)
    assert submit(stranger, path, hidden(form) | GRACE | {"phone": ""}).status == 422
    assert submit(stranger, path, hidden(form) | GRACE | {"phone": "+1 202 555 0100"}).status == 303
    assert acme.rows(select(Booking.location)) == ["+1 202 555 0100"]


# --- moving and canceling ----------------------------------------------------------------------------------------------------------------


def test_the_invitee_moves_it_to_an_open_time(office: Office, stranger: Client, acme: Member, path: str) -> None:
    form = stranger.get(path, time=at("10:00"), timezone="Europe/Berlin")
    shown = stranger.get(submit(stranger, path, hidden(form) | GRACE).headers["location"])
    (link,) = re.findall(r'href="(/bookings/[\w-]+)\?move=1"', text(shown))
    month = stranger.get(link, move="1", date=str(weekday(0)))
    times = [html.unescape(href) for href in re.findall(r'href="([^"]+time=[^"]+)"', text(month))]
    assert len(times) == 16, "its own time is in nobody's way"
    move_form = stranger.get(next(href for href in times if parse_qs(urlsplit(href).query)["time"] == [at("10:30")]))
    assert "Now:" in text(move_form) and "10:00 to 10:30" in text(move_form)
    moved = submit(stranger, link, hidden(move_form) | {"reason": "A train"})
    assert moved.status == 303 and moved.headers["location"].startswith("/bookings/")
    assert "10:30 to 11:00" in text(stranger.get(moved.headers["location"]))
    old = stranger.get(link)
    assert "This booking was moved" in text(old)
    assert moved.headers["location"].partition("?")[0] in text(old)
    statuses = [row.status.value for row in acme.rows(select(Booking).order_by(Booking.id))]
    assert statuses == ["RESCHEDULED", "CONFIRMED"]
    again = submit(stranger, link, hidden(move_form))
    assert again.status == 409 and "nothing has changed now" in text(again)
    assert moved.headers["location"].partition("?")[0] in text(again), "who sent it twice is led to where it is"


def test_a_move_to_a_time_that_is_gone_offers_others(office: Office, event_type: dict[str, Any], stranger: Client, path: str) -> None:
    form = stranger.get(path, time=at("10:00"), timezone="Europe/Berlin")
    shown = stranger.get(submit(stranger, path, hidden(form) | GRACE).headers["location"])
    (link,) = re.findall(r'href="(/bookings/[\w-]+)\?move=1"', text(shown))
    move_form = stranger.get(link, move="1", time=at("11:00"))
    office.booked(event_type, at("11:00"))
    page = submit(stranger, link, hidden(move_form) | {"reason": "A train"})
    assert page.status == 409
    assert "A train" in text(page) and f'name="time" value="{at("11:30")}"' in text(page)
    assert submit(stranger, link, hidden(page) | {"time": at("11:30")}).status == 303


def test_the_calendar_file_has_the_uid_of_the_mails(office: Office, stranger: Client, acme: Member, path: str) -> None:
    form = stranger.get(path, time=at("10:00"), timezone="Europe/Berlin")
    shown = text(stranger.get(submit(stranger, path, hidden(form) | GRACE).headers["location"]))
    (link,) = re.findall(r'href="(/bookings/[\w-]+\?calendar=ics)"', shown)
    file = stranger.get(link)
    assert file.headers["content-type"] == "text/calendar; charset=utf-8; method=PUBLISH"
    assert file.headers["content-disposition"].startswith("attachment")
    calendar = Calendar.from_ical(file.raw)
    (event,) = calendar.walk("VEVENT")
    (booking,) = acme.rows(select(Booking))
    assert calendar["METHOD"] == "PUBLISH" and "ATTENDEE" not in event
    assert (event["UID"], event["SEQUENCE"]) == (f"{booking.id}@bookings.parley", 0)
    token = link.partition("?")[0].rpartition("/")[2]
    for service in ("calendar.google.com", "outlook.live.com"):
        (address,) = re.findall(rf'href="(https://{service}[^"]+)"', shown)
        assert token not in address, "a secret goes to nobody else"


# --- who may frame it, what it may load --------------------------------------------------------------------------------------------------


def test_only_the_embedded_page_may_be_framed_and_nothing_in_a_frame_changes_a_booking(office: Office, stranger: Client, path: str) -> None:
    plain, embedded = stranger.get(path), stranger.get(path, embed="1")
    assert "frame-ancestors 'none'" in plain.headers["content-security-policy"] and plain.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors *" in embedded.headers["content-security-policy"] and "x-frame-options" not in embedded.headers
    assert "set-cookie" not in {**plain.headers, **embedded.headers}
    form = stranger.get(path, time=at("10:00"), timezone="Europe/Berlin", embed="1")
    done = submit(stranger, f"{path}?embed=1", hidden(form) | GRACE)
    shown = stranger.get(done.headers["location"])
    assert "frame-ancestors *" in shown.headers["content-security-policy"]
    assert shown.headers["referrer-policy"] == "no-referrer" and shown.headers["cache-control"] == "no-store"
    assert "<form" not in text(shown) and 'target="_blank"' in text(shown)
    link = re.findall(r'href="(/bookings/[\w-]+)"', text(shown))[0]
    for address in (f"{link}?embed=1", f"{link}?embed=1&move=1"):
        assert "frame-ancestors 'none'" in stranger.get(address).headers["content-security-policy"]


def test_the_page_loads_nothing_from_elsewhere_but_the_logo(acme: Member, stranger: Client, path: str) -> None:
    acme.patch("/v1/identity/organization", {"logo_url": "https://cdn.acme.example/a/logo.png", "brand_color": "#ffe600"})
    page = stranger.get(path)
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy and "img-src https://cdn.acme.example;" in policy and "connect-src 'self'" in policy
    assert re.findall(r'(?:src|href)="(https?:[^"]+)"', text(page)) == ["https://cdn.acme.example/a/logo.png"]
    assert "--brand-text:#" in text(page)
    assert not re.search(r'\son[a-z]+="|style="', text(page))


@pytest.mark.parametrize("host", ["*", "*.acme.example", "acme.example,b.example", "'unsafe-inline'", "acme.example;x", "$", "[::1%25x]"])
def test_a_logo_comes_from_one_host(acme: Member, host: str) -> None:
    """What stands in the page's policy is the name of a host, or an address."""
    assert acme.patch("/v1/identity/organization", {"logo_url": f"https://{host}/logo.png"}).status == 422
    assert acme.patch("/v1/identity/organization", {"logo_url": "https://[2001:db8::1]:8443/logo.png"}).status == 200


def test_the_script_that_embeds_it_may_be_loaded_by_anybody(stranger: Client) -> None:
    script = stranger.get("/embed.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "public" in script.headers["cache-control"]


# --- addresses ---------------------------------------------------------------------------------------------------------------------------


def test_nothing_inactive_and_unknown_look_alike(
    office: Office, event_type: dict[str, Any], acme: Member, stranger: Client, path: str
) -> None:
    organization = path.split("/")[1]
    acme.patch(f"/v1/scheduling/event-types/{event_type['id']}", {"is_active": False})
    pages = [stranger.get(url) for url in (path, f"/{organization}/nothing", "/nobody/nothing", "/nobody", "/No%20Body/x")]
    assert {page.status for page in pages} == {404}
    assert len({page.raw for page in pages}) == 1
    assert "There is nothing to book here" in text(pages[0])
    posted = submit(stranger, path, GRACE | {"time": at("10:00")})
    assert (posted.status, posted.raw) == (404, pages[0].raw)


def test_a_slash_too_many_leads_to_the_page(stranger: Client, path: str) -> None:
    browser = {"accept": "text/html,application/xhtml+xml"}
    for address in (path, path.rpartition("/")[0], "/bookings/x"):
        sent = stranger.get(f"{address}/?timezone=Asia%2FTokyo&name=%0d%0aA", browser)
        assert (sent.status, sent.headers["location"]) == (308, f"{address}?timezone=Asia%2FTokyo&name=%0d%0aA")
    for hostile in ("//evil.example/", "/%5cevil.example/", "/%2f%2fevil.example/", "/%0d%0aset-cookie:a=b/"):
        sent = stranger.get(hostile, browser)
        assert re.fullmatch(r"/[^/\\\s][^\\\s]*", sent.headers.get("location", "/a")), sent.headers
    assert stranger.get(f"{path}/").status == 308, "a program as well"


def test_the_organizations_page_lists_what_can_be_booked(office: Office, acme: Member, stranger: Client) -> None:
    event_type = office.event_type(name="A talk")
    office.event_type(name="Gone", is_active=False)
    path = path_of(office, event_type)
    page = stranger.get(path.rpartition("/")[0])
    assert "A talk" in text(page) and f'href="{path}"' in text(page) and "Gone" not in text(page)


def test_one_slug_of_two_people_leads_to_both(world: World, office: Office, acme: Member, stranger: Client) -> None:
    event_type = office.event_type(name="Mine", slug="same")
    colleague = Office(world, acme.as_role("MEMBER"))
    colleague_event_type = colleague.event_type(name="Theirs", slug="same")
    paths = [path_of(office, event_type), path_of(office, colleague_event_type)]
    assert [re.findall(r"<h1[^>]*>([^<]+)", text(stranger.get(path))) for path in paths] == [["Mine"], ["Theirs"]]
    listed = text(stranger.get(paths[0].rpartition("/")[0]))
    assert all(f'href="{path}"' in listed for path in paths)
    form = stranger.get(paths[1] + f"&time={at('10:00')}&timezone=Europe/Berlin")
    assert submit(stranger, paths[1].partition("?")[0], hidden(form) | GRACE).status == 303
    assert [str(event_type_id) for event_type_id in acme.rows(select(Booking.event_type_id))] == [colleague_event_type["id"]]


def test_no_organization_takes_a_name_that_an_address_needs(world: World, stranger: Client) -> None:
    first = {route.path.split("/")[1] for route in world.template.routes if route.path.startswith("/")}
    fixed = {part for part in first if re.fullmatch(r"[a-z0-9-]+", part)}
    assert fixed - RESERVED == set()
    person = world.person()
    refused = person.post("/v1/identity/organizations", {"name": "Links", "slug": "links"})
    assert refused.status == 422
    assert stranger.get("/docs").headers["content-type"].startswith("text/html")
    assert stranger.get("/health").body == {"status": "ok"}
    nothing = stranger.get("/v1/nothing")
    assert (nothing.status, nothing.headers["content-type"]) == (404, "application/problem+json")
    assert stranger.request("PUT", "/v1/nothing").status == 404


def test_the_form_is_bounded_and_nothing_else_than_a_form(stranger: Client, path: str) -> None:
    assert stranger.request("POST", path, b"a=" + b"x" * 200_000, FORM).status == 413
    assert stranger.post(path, {"name": "Grace"}).status == 415
    for body in (b"", b"%ff%fe=%00", b"time=now&name=%00", b"=&&=", b"text-" + str(new_id()).encode() + b"=x"):
        assert stranger.request("POST", path, body, FORM).status == 422
