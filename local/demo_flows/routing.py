"""A form leads by its answers: to a webinar with two seats, to a round robin, to a meeting with everybody.

What can't be booked is passed over.
"""

from __future__ import annotations

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.demo import Played, PlayFailed, Scene, expect
from local.demo_flows.scheduling import OFFICE_DAYS

FORMS = "/v1/scheduling/routing-forms"
WEBINAR, ROUND, ALL = "Webinar", "Sales round", "Everybody"


def play(scene: Scene) -> Played:
    played = Played()
    slots = [{"day_of_week": day, "start_time": "09:00", "end_time": "17:00"} for day in OFFICE_DAYS]
    hours = {"name": "Hours for guests", "timezone": "Europe/London", "slots": slots}
    schedule_id = expect(scene.owner.post("/v1/scheduling/schedules", hours), 201)["id"]
    me = {"user_id": expect(scene.owner.get("/v1/identity/me"), 200)["user_id"]}
    pool = expect(scene.owner.post("/v1/scheduling/pools", {"name": "Sales", "strategy": "ROTATE", "hosts": [me]}), 201)["id"]
    terms: dict[str, dict[str, Any]] = {
        WEBINAR: {"kind": "GROUP", "capacity": 2},
        ROUND: {"kind": "ROUND_ROBIN", "pool_id": pool},
        ALL: {"kind": "COLLECTIVE", "hosts": [me]},
    }
    kinds = {name: _offer(scene, schedule_id, name, **fields)["id"] for name, fields in terms.items()}
    form = _form(scene, kinds)
    played.add_row(f"POST {FORMS}", "201: more than 100 seats: a round robin; a webinar for Support; a meeting with everybody for the rest")
    led = {
        name: _led(scene, form, topic, seats) for name, topic, seats in ((ROUND, "Sales", 250), (WEBINAR, "Support", 3), (ALL, "Sales", 3))
    }
    if any(answer["event_type"]["name"] != name for name, answer in led.items()):
        raise PlayFailed(f"The form led to {[answer['event_type']['name'] for answer in led.values()]}.")
    played.add_row(f"POST {FORMS}/…/submissions, three of them", f"201: {', '.join(led)}; {len(led[ROUND]['next_slots'])} next starts each")
    _seats(scene, played, led[WEBINAR])
    expect(scene.owner.request("PATCH", f"/v1/scheduling/event-types/{kinds[WEBINAR]}", {"is_active": False}), 200)
    instead = _led(scene, form, "Support", 3)["event_type"]["name"]
    if instead != ALL:
        raise PlayFailed(f"What can't be booked was not passed over: {instead}.")
    played.add_row("the same answers, when the webinar is switched off", f"201: {instead}")
    played.curl = ['curl -s {url}/v1/scheduling/routing-submissions -H "Authorization: Bearer $TOKEN"']
    return played


def _offer(scene: Scene, schedule_id: str, name: str, **terms: Any) -> Any:
    slug = f"{name.lower().replace(' ', '-')}-{uuid.uuid4().hex[:8]}"
    wanted = {"schedule_id": schedule_id, "name": name, "slug": slug, "duration": 60, "min_notice": 120, "location_type": "GOOGLE_MEET"}
    return expect(scene.owner.post("/v1/scheduling/event-types", wanted | terms), 201)


def _form(scene: Scene, kinds: dict[str, str]) -> Any:
    questions = [
        {"label": "What is it about?", "type": "SINGLE_SELECT", "required": True, "options": ["Sales", "Support"]},
        {"label": "Seats", "type": "NUMBER"},
    ]
    rules = [
        {"question": 1, "operator": "GREATER_THAN", "value": 100, "event_type_id": kinds[ROUND]},
        {"question": 0, "operator": "EQUALS", "value": "Support", "event_type_id": kinds[WEBINAR]},
    ]
    wanted = {"name": "Who are you?", "slug": f"who-{uuid.uuid4().hex[:8]}", "questions": questions, "rules": rules}
    return expect(scene.owner.post(FORMS, wanted | {"fallback": {"event_type_id": kinds[ALL]}}), 201)


def _led(scene: Scene, form: Any, topic: str, seats: int) -> Any:
    pairs = zip(form["questions"], (topic, seats), strict=True)
    answers = [{"question_id": question["id"], "value": value} for question, value in pairs]
    return expect(scene.stranger.post(f"{FORMS}/{form['id']}/submissions", {"answers": answers}), 201)


def _seats(scene: Scene, played: Played, led: Any) -> None:
    """Three at once want the two seats of one session."""
    wanted = {
        "event_type_id": led["event_type"]["id"],
        "start_time": led["next_slots"][0]["start_time"],
        "invitee": {"email": f"ada.{uuid.uuid4().hex[:8]}@visitor.example", "name": "Ada", "timezone": "Europe/London"},
        "routing_submission_id": led["submission_id"],
    }
    with ThreadPoolExecutor(3) as pool:
        counted = Counter(answer.status for answer in pool.map(lambda _: scene.stranger.post("/v1/scheduling/bookings", wanted), range(3)))
    if counted != {201: 2, 409: 1}:
        raise PlayFailed(f"Three bookings of two seats were answered {dict(counted)}")
    played.add_row(
        "POST /v1/scheduling/bookings of the webinar, 3 at once", "201 for two seats of one session, 409 slot_taken for the third"
    )
