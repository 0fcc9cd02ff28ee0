"""Chromium books, moves and cancels: with scripts and without, by keyboard, on a small screen, from far away, in a frame.

Screenshots lie in build/artifacts/booking-page afterwards.
"""

from __future__ import annotations

import email
import email.policy
import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

pytest.importorskip("playwright.sync_api", reason="The browser tests need the package playwright: install requirements/test.txt.")

from playwright.sync_api import Browser, Page, Route, sync_playwright
from sqlalchemy import select

from local.http_api import Request, Response
from parley.kernel.values.ids import new_id
from parley.scheduling.tables.booking_models import Booking
from tests.harness import Member, World
from tests.identity.registered_users import ProgramClient as ProgramOfNobody
from tests.identity.registered_users import person, received_mails, register
from tests.identity.test_invitations import invite
from tests.pages.browser_server import ARGUMENTS, Visitor, chromium, one_at_a_time, served
from tests.scheduling.booking_scenarios import Office, at, weekday

BROWSER = chromium()
if BROWSER is None and os.environ.get("CI"):
    raise RuntimeError("CI has no Chromium: .ci/run installs it.")
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="No Chromium: install it (Debian: apt-get install chromium), or name it in CHROMIUM."
)

QUESTIONS = [
    {"label": "What is it about?", "type": "SINGLE_SELECT", "required": True, "options": ["Sales", "Support"]},
    {"label": "Which days suit you?", "type": "MULTI_SELECT", "required": True, "options": ["Monday", "Tuesday"]},
    {"label": "How many people?", "type": "NUMBER"},
]
Open = Callable[..., Visitor]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=BROWSER, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def origin(world: World) -> Iterator[str]:
    with served(one_at_a_time(world)) as url:
        yield url


@pytest.fixture
def visitor(browser: Browser, origin: str, request: pytest.FixtureRequest) -> Iterator[Open]:
    opened: list[Visitor] = []

    def open_(name: str = "", **how: Any) -> Visitor:
        opened.append(Visitor(browser, origin, request.node.name.removeprefix("test_") + name, **how))
        return opened[-1]

    yield open_
    for guest in opened:
        guest.context.close()


@pytest.fixture
def offered(world: World, acme: Member) -> tuple[Office, dict[str, Any], str]:
    acme.patch("/v1/identity/organization", {"name": "Acme Studio", "brand_color": "#6d28d9"})
    office = Office(world, acme)
    description = "A first conversation about what you need.\nBring questions."
    event_type = office.event_type(name="Introduction call", description=description, questions=QUESTIONS, horizon_days=365)
    return office, event_type, path_of(office, event_type)


def path_of(office: Office, event_type: dict[str, Any]) -> str:
    url = str(office.stranger.get(f"/v1/scheduling/event-types/{event_type['id']}/public").body["url"])
    return "/" + "/".join(url.split("/")[3:])


def statuses(acme: Member) -> list[str]:
    return [row.status.value for row in acme.rows(select(Booking).order_by(Booking.id))]


def fill(page: Page) -> None:
    page.get_by_label("Your name").fill("Grace Hopper")
    page.get_by_label("E-mail address").fill("grace@visitor.example")
    page.get_by_label("What is it about?").select_option("Sales")
    page.get_by_label("Monday").check()


def in_sight(page: Page, selector: str) -> bool:
    box = page.locator(selector).bounding_box()
    return box is not None and page.viewport_size is not None and 0 <= box["y"] <= page.viewport_size["height"] - box["height"]


def booked_moved_and_canceled(guest: Visitor, path: str) -> None:
    """From the month to a booking that is canceled; axe looks at every page."""
    page = guest.open(f"{path}?date={weekday(0)}&utm_source=letter")
    page.wait_for_load_state("networkidle")
    guest.shoot("1-month")
    assert guest.faults() == []
    page.get_by_role("link", name=re.compile(rf"Monday, {weekday(0).day} .*times")).click()
    page.get_by_role("link", name="10:00", exact=True).click()
    page.wait_for_selector("#details")
    guest.shoot("2-form")
    assert guest.faults() == []

    page.get_by_label("Your name").fill("Grace Hopper")
    page.get_by_label("E-mail address").fill("grace@nowhere")
    page.get_by_label("What is it about?").select_option("Sales")
    page.get_by_role("button", name="Book this time").click()
    page.wait_for_selector("#errors")
    guest.shoot("3-problems")
    assert guest.faults() == []
    page.get_by_role("link", name="Which days suit you?: This needs an answer.").click()
    assert page.get_by_label("Your name").input_value() == "Grace Hopper"
    fill(page)
    page.get_by_role("button", name="Book this time").click()
    page.wait_for_selector(".state")
    assert "10:00 to 10:30 (Europe/Berlin)" in page.inner_text("main")
    guest.shoot("4-booked")
    assert guest.faults() == []

    page.get_by_role("link", name="Move to another time").click()
    page.wait_for_selector("table")
    guest.shoot("5-move")
    assert guest.faults() == []
    page.get_by_role("link", name="15:30", exact=True).click()
    page.wait_for_selector("#details")
    page.get_by_label("Why do you move it?").fill("A train")
    guest.shoot("6-move-asked")
    assert guest.faults() == []
    page.get_by_role("button", name="Move it to this time").click()
    page.wait_for_selector(".state")
    assert "15:30 to 16:00" in page.inner_text("main")
    guest.shoot("7-moved")
    page.get_by_label("Why do you cancel?").fill("Ill")
    page.get_by_role("button", name="Cancel this booking").click()
    page.wait_for_selector(".state.over")
    guest.shoot("8-canceled")
    assert guest.faults() == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
def test_books_moves_and_cancels(visitor: Open, offered: tuple[Office, dict[str, Any], str], acme: Member, scripts: bool) -> None:
    guest = visitor(java_script_enabled=scripts)
    booked_moved_and_canceled(guest, offered[2])
    assert statuses(acme) == ["RESCHEDULED", "CANCELED"]
    assert {url for url in guest.requests if not url.startswith((guest.origin, "data:"))} == set(), "nothing is asked of anybody else"
    assert [complaint for complaint in guest.complaints if "422" not in complaint] == [], (
        "the policy of the page forbids nothing that it does"
    )


def test_axe_finds_what_is_wrong(visitor: Open, offered: tuple[Office, dict[str, Any], str]) -> None:
    guest = visitor()
    page = guest.open(offered[2])
    page.evaluate("document.querySelector('label[for=timezone]').remove(); document.documentElement.removeAttribute('lang')")
    assert {fault.split(":")[0] for fault in guest.faults()} >= {"critical select-name", "serious html-has-lang"}


def test_books_by_keyboard_alone(visitor: Open, offered: tuple[Office, dict[str, Any], str], acme: Member) -> None:
    guest = visitor()
    page = guest.open(offered[2])

    def tab_to(selector: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("sought => document.activeElement.matches(sought)", selector):
                assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", "focus can be seen"
                return
        raise AssertionError(f"the keyboard does not reach {selector}")

    shown = page.inner_text("#month")
    tab_to("#after")
    page.keyboard.press("Enter")
    page.wait_for_function("shown => document.getElementById('month').textContent !== shown", arg=shown)
    assert page.evaluate("document.activeElement.id") == "after", "the month goes on where it was turned"
    tab_to(".month td a")
    page.keyboard.press("Enter")
    page.wait_for_selector("#times:focus")
    tab_to(".times li a")
    page.keyboard.press("Enter")
    page.wait_for_selector("#details:focus")
    tab_to("#name")
    page.keyboard.type("Grace Hopper")
    tab_to("#email")
    page.keyboard.type("grace@visitor.example")
    tab_to("select[id^=text]")
    page.keyboard.type("Sales")
    tab_to("[type=checkbox]")
    page.keyboard.press("Space")
    tab_to("button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_selector(".state")
    guest.shoot("booked")
    assert statuses(acme) == ["CONFIRMED"]


def test_a_month_that_comes_late_leaves_the_keyboard_where_it_has_gone(visitor: Open, offered: tuple[Office, dict[str, Any], str]) -> None:
    guest = visitor()
    page = guest.open(f"{offered[2]}?month={weekday(0, 6):%Y-%m}&timezone=Europe/Berlin")
    held: list[Route] = []
    page.route("**/*month=*", lambda route: held.append(route))  # noqa: PLW0108  # a bound method of a list takes no attribute
    shown = page.inner_text("#month")
    page.locator("#after").focus()
    page.keyboard.press("Enter")
    while not held:
        page.wait_for_timeout(10)
    page.locator("#timezone").focus()
    held[0].continue_()
    page.wait_for_function("shown => document.getElementById('month').textContent !== shown", arg=shown)
    assert page.evaluate("document.activeElement.id") == "timezone"

    page.unroute("**/*month=*")
    page.go_back()
    page.wait_for_function("shown => document.getElementById('month').textContent === shown", arg=shown)
    assert page.evaluate("document.activeElement.id") == "month", "what the browser brings back is gone on with from its heading"


def test_at_the_last_month_the_keyboard_does_not_fall_off(visitor: Open, offered: tuple[Office, dict[str, Any], str]) -> None:
    guest = visitor()
    page = guest.open(f"{offered[2]}?month=2099-01&timezone=Europe/Berlin")
    page.locator("#before").click()
    page.wait_for_selector("#before:focus")
    page.locator("#after").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#month:focus")
    assert page.locator("#after").count() == 0


def test_a_small_screen_in_the_dark_on_the_other_side_of_the_world(
    visitor: Open, offered: tuple[Office, dict[str, Any], str], acme: Member
) -> None:
    guest = visitor(viewport={"width": 320, "height": 640}, timezone_id="Pacific/Apia", color_scheme="dark", has_touch=True)
    page = guest.open(f"{offered[2]}?month={weekday(0):%Y-%m}")
    page.wait_for_selector("[data-zone='Pacific/Apia']")
    guest.shoot("1-month")
    assert guest.faults() == []
    page.locator(f"#day-{weekday(0).day}").tap()
    page.wait_for_selector("#times:focus")
    assert in_sight(page, "#times") and in_sight(page, ".times li:first-child"), "what was tapped for is in sight"
    page.locator(".times li a").first.click()
    page.wait_for_selector("#details:focus")
    page.wait_for_selector("#hold:not([hidden])")
    assert in_sight(page, "#details")
    guest.shoot("2-form")
    assert guest.faults() == []
    fill(page)
    page.get_by_role("button", name="Book this time").click()
    page.wait_for_selector(".state")
    guest.shoot("3-booked")
    assert guest.faults() == []
    (booking,) = acme.rows(select(Booking))
    local = booking.start_time.astimezone(ZoneInfo("Pacific/Apia"))
    assert booking.timezone == "Pacific/Apia" and f"{local:%H:%M} to" in page.inner_text("main")
    for name, path in (("4-list", offered[2].rpartition("/")[0]), ("5-missing", "/nobody/nothing")):
        guest.open(path)
        guest.shoot(name)
        assert guest.faults() == []


def test_the_pages_of_other_mails_have_no_faults(visitor: Open, world: World, acme: Member) -> None:
    reader = person(world)
    ProgramOfNobody(world).post("/v1/auth/password-reset", {"email": reader.email})
    reset = received_mails(world, reader.email)[-1].token
    pages = {
        "registration": f"/links/{register(world)[1]}",
        "password": f"/links/{reset}",
        "invitation": f"/invitations/{invite(acme, 'grace@visitor.example')}",
        "link-used": "/links/x",
        "invitation-used": "/invitations/x",
        "no-booking": "/bookings/x",
    }
    for scheme in ("light", "dark"):
        guest = visitor(color_scheme=scheme, viewport={"width": 320, "height": 640})
        for name, path in pages.items():
            page = guest.open(path)
            guest.shoot(f"{name}-{scheme}")
            assert guest.faults() == [], name
    page.goto(f"{guest.origin}{pages['password']}")
    page.get_by_label("New password").fill("password1234")
    page.get_by_role("button").click()
    page.get_by_text("would be guessed").wait_for()
    assert guest.faults() == []
    assert "would be guessed" in page.get_by_label("New password").evaluate("one => one.ariaDescribedByElements[0].textContent")


def test_a_time_is_kept_while_the_form_is_filled_in(visitor: Open, offered: tuple[Office, dict[str, Any], str], acme: Member) -> None:
    office, event_type, path = offered
    guest = visitor()
    page = guest.open(f"{path}?time={at('10:00')}&timezone=Europe/Berlin")
    page.wait_for_selector("#hold:not([hidden])")
    answers = [{"question_id": event_type["questions"][0]["id"], "value": "Sales"}]
    answers.append({"question_id": event_type["questions"][1]["id"], "value": ["Monday"]})
    assert office.book(event_type, at("10:00"), answers=answers).body["code"] == "slot_taken"
    fill(page)
    page.get_by_role("link", name="Choose another time").click()
    page.get_by_role("link", name="10:30", exact=True).click()
    page.wait_for_selector("#hold:not([hidden])")
    assert (page.get_by_label("Your name").input_value(), page.get_by_label("Monday").is_checked()) == ("Grace Hopper", True), "it is kept"
    assert office.book(event_type, at("10:00"), answers=answers).status == 201, "the time before is given back"
    page.get_by_role("button", name="Book this time").dblclick()
    page.wait_for_selector(".state")
    assert statuses(acme) == ["CONFIRMED", "CONFIRMED"], "sent twice, booked once"


def test_somebody_else_was_faster(visitor: Open, offered: tuple[Office, dict[str, Any], str], acme: Member) -> None:
    office, event_type, path = offered
    guest = visitor(java_script_enabled=False)
    page = guest.open(f"{path}?time={at('10:00')}&timezone=Europe/Berlin")
    fill(page)
    answers = [{"question_id": event_type["questions"][0]["id"], "value": "Sales"}]
    answers.append({"question_id": event_type["questions"][1]["id"], "value": ["Monday"]})
    office.booked(event_type, at("10:00"), answers=answers)
    page.get_by_role("button", name="Book this time").click()
    page.wait_for_selector(".alert")
    guest.shoot("1-gone")
    assert guest.faults() == []
    assert page.get_by_label("Your name").input_value() == "Grace Hopper"
    page.locator(f"input[name=time][value='{at('11:00')}']").check()
    page.get_by_role("button", name="Book this time").click()
    page.wait_for_selector(".state")
    assert statuses(acme) == ["CONFIRMED", "CONFIRMED"]


def test_it_stands_in_the_page_of_somebody_else(visitor: Open, offered: tuple[Office, dict[str, Any], str], origin: str) -> None:
    path = offered[2]
    body = f"""<!doctype html><html lang="en"><title>A blog</title><h1>Talk to us</h1>
    <div data-parley="{path}" data-parley-title="Talk to us"></div>
    <script>addEventListener("parley:booked", (event) => {{ document.title = "Booked " + event.detail.start; }});</script>
    <script async src="{origin}/embed.js"></script><iframe id="plain" title="plain" src="{origin}{path}"></iframe>""".encode()

    def blog(request: Request) -> Response:
        return Response(200, (("content-type", "text/html; charset=utf-8"),), body)

    with served(blog) as elsewhere:
        guest = visitor()
        page = guest.page
        page.goto(f"{elsewhere}/post?utm_source=blog")
        frame = page.frame_locator("iframe[title='Talk to us']")
        frame.locator(".times li a").first.wait_for()
        page.wait_for_function("parseInt(document.querySelector('[data-parley] iframe').style.height) > 300")
        guest.shoot("1-month")
        assert "refused" in " ".join(guest.complaints) or "frame-ancestors" in " ".join(guest.complaints), (
            "the plain page is framed by nobody"
        )
        frame.locator(".times li a").first.click()
        frame.locator("#name").fill("Grace Hopper")
        frame.locator("#email").fill("grace@visitor.example")
        frame.locator("select[id^=text]").select_option("Sales")
        frame.get_by_label("Monday").check()
        frame.get_by_role("button", name="Book this time").click()
        frame.locator(".state").wait_for()
        page.wait_for_function("document.title.startsWith('Booked 20')")
        guest.shoot("2-booked")
        assert guest.context.cookies() == []
        assert datetime.fromisoformat(page.title().removeprefix("Booked ")).tzinfo is not None


@pytest.mark.parametrize(
    ("locale", "day", "time", "name", "mail", "book", "booked", "mail_says"),
    [
        ("de-DE", "Montag", "10:00", "Ihr Name", "E-Mail-Adresse", "Diesen Termin buchen", "Ihr Termin ist gebucht", "Wann"),
        ("fr-FR", "lundi", "10:00", "Votre nom", "Adresse e-mail", "Réserver ce créneau", "Votre rendez-vous est réservé", "Quand"),
        ("es-MX", "lunes", "10:00", "Su nombre", "Correo electrónico", "Reservar esta hora", "Su cita está reservada", "Cuándo"),
    ],
)
def test_books_in_the_visitors_language(
    visitor: Open,
    world: World,
    acme: Member,
    locale: str,
    day: str,
    time: str,
    name: str,
    mail: str,
    book: str,
    booked: str,
    mail_says: str,
) -> None:
    """From the calendar to the page of what is booked; its mail is in the same language. Axe looks at every page."""
    office = Office(world, acme)
    path, recipient = path_of(office, office.event_type(name="Demo", horizon_days=365)), f"{new_id().hex}@visitor.example"
    guest = visitor(locale, locale=locale)
    page = guest.open(f"{path}?date={weekday(0)}")
    page.wait_for_load_state("networkidle")
    guest.shoot("1-month")
    assert guest.faults() == []
    page.get_by_role("link", name=re.compile(rf"{day}.*\b{weekday(0).day}\b", re.IGNORECASE)).first.click()
    page.locator("section.times a").filter(has_text=re.compile(rf"^\s*{time}")).first.click()
    page.wait_for_selector("#details")
    guest.shoot("2-form")
    assert guest.faults() == []
    page.get_by_label(name).fill("Grace Hopper")
    page.get_by_label(mail).fill(recipient)
    page.get_by_role("button", name=book).click()
    page.wait_for_selector(".state")
    assert page.inner_text("h1").strip() == booked
    guest.shoot("3-booked")
    assert guest.faults() == []
    shown = page.inner_text("main")
    assert re.findall(r"\b(?:When|Where|With|booking|calendar|Cancel|Move|Monday|to)\b", shown) == []
    world.pump()
    (sent,) = [sent for sent in world.mails() if recipient in sent["to"]]
    assert mail_says in email.message_from_string(sent["raw"], policy=email.policy.default).get_body(("plain",)).get_content()  # type: ignore[union-attr]  # every mail has one
