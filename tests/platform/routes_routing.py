"""routing: a request for each route, and the ids that its paths take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from parley.identity.models import Organization
from parley.kernel.access.callers import system
from parley.kernel.persistence import transactions
from parley.kernel.values.ids import new_id

if TYPE_CHECKING:
    from tests.harness import Client, Member, World
    from tests.platform.every_route import Request, SeededOrganization

FORMS = "/v1/scheduling/routing-forms"
SUBMISSIONS = "/v1/scheduling/routing-submissions"


def form_wanted(event_type: str | None = None) -> dict[str, Any]:
    """Two questions, and where there is an event type two rules with two conditions each that lead to it."""
    questions = [{"label": "Seats", "type": "NUMBER", "required": True}, {"label": "What about?", "type": "SHORT_TEXT"}]
    also = [{"question": 1, "operator": "CONTAINS", "value": "parley"}]
    rules = [{"question": 0, "operator": "GREATER_THAN", "value": least, "event_type_id": event_type, "also": also} for least in (90, 1)]
    return {"name": "Who are you?", "slug": f"who-{new_id().hex}", "questions": questions, "rules": rules if event_type else []}


def add_form(member: Member, event_type: str | None = None) -> dict[str, Any]:
    answer = member.post(FORMS, form_wanted(event_type))
    assert answer.status == 201, (answer.status, answer.raw)
    form: dict[str, Any] = answer.body
    return form


def submit(stranger: Client, form: dict[str, Any]) -> str:
    answer = stranger.post(f"{FORMS}/{form['id']}/submissions", answers_to(form))
    assert answer.status == 201, (answer.status, answer.raw)
    return str(answer.body["submission_id"])


def answers_to(form: dict[str, Any]) -> dict[str, Any]:
    values = zip(form["questions"], (3, "About Parley"), strict=True)
    return {"answers": [{"question_id": question["id"], "value": value} for question, value in values]}


def requests(house: SeededOrganization) -> dict[str, Callable[[], Request]]:
    """By method and path as in the template: makes a new request of that route ready."""
    member, stranger = house.member, house.stranger

    def form() -> dict[str, Any]:
        return add_form(member, house.event_type)

    def once() -> dict[str, str]:
        return {"idempotency-key": str(new_id())}

    def change(method: str, wanted: Any = None) -> Request:
        path = f"{FORMS}/{form()['id']}"
        return lambda: member.request(method, path, wanted)

    def make() -> Request:
        wanted, headers = form_wanted(house.event_type), once()
        return lambda: member.post(FORMS, wanted, headers)

    def fill_in() -> Request:
        made, headers = form(), once()
        return lambda: stranger.post(f"{FORMS}/{made['id']}/submissions", answers_to(made), headers)

    def link() -> Request:
        with transactions.transaction(system(member.organization_id)) as session:
            organization = session.scalar(select(Organization.slug))
        path = f"/v1/scheduling/links/{organization}/forms/{form()['slug']}"
        return lambda: stranger.get(path)

    def get(path: str, **query: Any) -> Request:
        return lambda: member.request("GET", path, query=query)

    def shown() -> Request:
        return get(f"{FORMS}/{form()['id']}")

    def public() -> Request:
        path = f"{FORMS}/{form()['id']}/public"
        return lambda: stranger.get(path)

    def sheet() -> Request:
        made = form()
        submit(stranger, made)
        return get(f"{SUBMISSIONS}.csv", form_id=made["id"])

    def rules() -> Request:
        made = form()
        wanted = form_wanted(house.event_type)
        return lambda: member.patch(f"{FORMS}/{made['id']}", {"rules": wanted["rules"], "questions": made["questions"]})

    return {
        f"POST {FORMS}": make,
        f"GET {FORMS}": lambda: get(FORMS, limit=100),
        f"GET {FORMS}/{{form_id}}": shown,
        f"PATCH {FORMS}/{{form_id}}": rules,
        f"DELETE {FORMS}/{{form_id}}": lambda: change("DELETE"),
        f"GET {FORMS}/{{form_id}}/public": public,
        "GET /v1/scheduling/links/{organization_slug}/forms/{form_slug}": link,
        f"POST {FORMS}/{{form_id}}/submissions": fill_in,
        f"GET {SUBMISSIONS}": lambda: get(SUBMISSIONS, limit=100),
        f"GET {SUBMISSIONS}/{{submission_id}}": lambda: get(f"{SUBMISSIONS}/{submit(stranger, form())}"),
        f"GET {SUBMISSIONS}.csv": sheet,
    }


def _add_forms(house: SeededOrganization, count: int) -> None:
    for _ in range(count):
        add_form(house.member, house.event_type)


def _add_submissions(house: SeededOrganization, count: int) -> None:
    form = add_form(house.member, house.event_type)
    for _ in range(count):
        submit(house.stranger, form)


LISTS = {f"GET {FORMS}": _add_forms, f"GET {SUBMISSIONS}": _add_submissions}
NO_LISTS = {f"{SUBMISSIONS}.csv"}


def things(member: Member, world: World) -> dict[str, str]:
    """One of everything in an organization, by the name of its path parameter."""
    from tests.harness import Client

    form = add_form(member)
    return {"form_id": form["id"], "submission_id": submit(Client(world), form)}


BODIES: dict[str, Any] = {}
"""What a POST, PUT or PATCH needs to reach the look-up of its ids, by the last part of its path."""
