"""Another tenant's ids on every route: 404, the same bytes as an unknown id."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from local import graph_api
from parley.kernel.audit.audit import AuditLog
from parley.kernel.values.ids import new_id
from tests.harness import Member, World
from tests.platform.every_route import AREAS, NO_LISTS, WITH_ONESELF
from tests.stack.load_scenarios import at, booking, created, event_type, schedule


def things_of(member: Member, world: World) -> dict[str, str]:
    """One of everything, by the name of its path parameter."""
    hours = schedule(member)  # type: ignore[arg-type]  # both clients answer alike
    kind = event_type(member, hours)  # type: ignore[arg-type]
    booked = created(member.post("/v1/scheduling/bookings", booking(kind, at("09:00", 3))))["id"]
    number = str(new_id().int)[:15]
    connection = created(
        member.post(
            "/v1/inbox/connections",
            {"platform": "WHATSAPP", "phone_number_id": number, "display_name": "S", "access_token": graph_api.token(number)},
        )
    )["id"]
    meeting = created(member.post("/v1/recordings/meetings", MEETING))
    recording = member.get("/v1/recordings").body["items"][0]["id"]
    return {
        "schedule_id": hours,
        "event_type_id": kind,
        "booking_id": booked,
        "connection_id": connection,
        "conversation_id": conversation(member, world, number),
        "meeting_id": meeting["id"],
        "recording_id": recording,
    } | {name: value for area in AREAS for name, value in area.things(member, world).items()}


MEETING = {
    "platform": "YOUTUBE",
    "url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    "scheduled_start": at("09:00"),
    "scheduled_end": at("10:00"),
}


def conversation(member: Member, world: World, number: str) -> str:
    import hashlib
    import hmac
    import os

    from tests.stack.test_under_load import delivery

    body = delivery(
        number,
        "491700000001",
        [{"from": "491700000001", "id": f"wamid.{new_id()}", "timestamp": "1790000000", "type": "text", "text": {"body": "Hi"}}],
        [],
    )
    signature = "sha256=" + hmac.new(os.environ["WHATSAPP_APP_SECRET"].encode(), body, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "x-hub-signature-256": signature}
    assert member.request("POST", "/v1/webhooks/whatsapp", body, headers).status == 200
    world.pump()
    return str(member.get("/v1/inbox/conversations").body["items"][0]["id"])


BODIES: dict[str, Any] = {
    "uploads": {"size_bytes": 10, "content_type": "video/webm"},
    "complete": {"parts": [{"part_number": 1, "etag": "x"}]},
}


def test_foreign_and_unknown_ids_are_answered_alike(world: World, acme: Member, globex: Member) -> None:
    foreign_ids = things_of(globex, world)
    bodies = BODIES | {name: body for area in AREAS for name, body in area.BODIES.items()}
    words = {name: word for area in AREAS for name, word in getattr(area, "WORDS", {}).items()}
    checked = 0
    for route in world.template.routes:
        names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
        if route.authorizer is None or not names or route.method == "ANY":  # a whole protocol has a test of its own
            continue
        answers = []
        for ids in (foreign_ids | words, {name: str(new_id()) for name in foreign_ids} | words):
            path = route.path
            for name in names:
                path = path.replace(f"{{{name}}}", ids.get(name, str(new_id())))
            body = bodies.get(route.path.rpartition("/")[2], {}) if route.method in ("POST", "PUT", "PATCH") else None
            answers.append(acme.request(route.method, path, body))
        foreign, unknown = answers
        assert foreign.status == unknown.status == 404, (route.method, route.path, foreign.status, unknown.status, foreign.raw)
        assert foreign.raw == unknown.raw
        counted = {"apigw-requestid", "ratelimit"}
        assert {k: v for k, v in foreign.headers.items() if k not in counted} == {
            k: v for k, v in unknown.headers.items() if k not in counted
        }
        checked += 1
    assert checked >= 12
    attempts = acme.rows(select(AuditLog.action).where(AuditLog.action == "security.unauthorized_access_attempted"))
    assert len(attempts) == 2 * checked


def test_a_role_without_the_scope_is_refused_named_and_audited(world: World, acme: Member) -> None:
    viewer = acme.as_role("VIEWER")
    refused = viewer.post("/v1/scheduling/schedules", {"name": "Mine", "timezone": "UTC", "slots": []})
    assert (refused.status, refused.body["code"], refused.body["scope"]) == (403, "missing_scope", "schedules:write")
    rows = acme.rows(select(AuditLog).where(AuditLog.actor_id == viewer.user_id))
    assert [(row.action, row.details["status"]) for row in rows] == [("security.unauthorized_access_attempted", 403)]


def test_lists_show_only_the_callers_tenant(world: World, acme: Member, globex: Member) -> None:
    things_of(globex, world)
    for route in world.template.routes:
        if route.method == "GET" and route.authorizer and "{" not in route.path and route.path not in NO_LISTS:
            shown = acme.get(route.path)
            if route.path in WITH_ONESELF:
                assert len(shown.body["items"]) == 1, route.path
                assert globex.user_id.hex not in shown.raw.decode().replace("-", ""), route.path
            else:
                assert shown.body == {"items": [], "next_cursor": None}, route.path
