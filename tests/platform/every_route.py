"""One of everything in an organization, and a request for each route and each worker: for counting what they cost."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import os
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

from local import graph_api
from local.client import Answer
from parley.kernel.values.ids import new_id
from parley.recordings import media_types
from parley.scheduling.bookings import booking_service
from parley.scheduling.tables.booking_models import Booking
from tests.harness import Client, Member, World
from tests.platform import (
    routes_booking_pages,
    routes_calendar_consent,
    routes_calendars,
    routes_keys,
    routes_log_in,
    routes_organizations,
    routes_providers,
    routes_routing,
    routes_saml,
    routes_scheduling,
    routes_scim,
    routes_webhooks,
    routes_workflows,
)

AREAS = (
    routes_organizations,
    routes_log_in,
    routes_providers,
    routes_keys,
    routes_saml,
    routes_scim,
    routes_webhooks,
    routes_scheduling,
    routes_calendars,
    routes_calendar_consent,
    routes_workflows,
    routes_routing,
    routes_booking_pages,
)
NO_LISTS: set[str] = {"/v1/identity/me"}.union(*(getattr(area, "NO_LISTS", set()) for area in AREAS))
"""Paths without a parameter that answer a GET with one thing."""
WITH_ONESELF: set[str] = set().union(*(getattr(area, "WITH_ONESELF", set()) for area in AREAS))
"""Lists that are never empty: the caller stands in them."""
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
MINUTES = 30
RECORDING = b"\x1aE\xdf\xa3 a recording"
WEBHOOK = "/v1/webhooks/whatsapp"

Request = Callable[[], Any]
"""One request, ready to be sent; making it ready has cost what it has cost."""


def created(answer: Answer) -> Any:
    assert answer.status in (200, 201, 202), (answer.status, answer.raw)
    return answer.body


def key() -> dict[str, str]:
    return {"idempotency-key": str(new_id())}


class SeededOrganization:
    """An organization that is open around the clock: half-hour slots from tomorrow on, a connection, a meeting with what was recorded."""

    def __init__(self, world: World, member: Member) -> None:
        self.world, self.member, self.stranger = world, member, Client(world)
        self._turn = itertools.count()
        self.made: dict[str, str] = {}  # what the areas' files keep of theirs, by a name
        self.tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        self.schedule = self.add_schedule()
        self.event_type = self.add_event_type()
        self.number = self.add_connection()
        self.connection = member.get("/v1/inbox/connections").body["items"][0]["id"]
        self.meeting, self.recording = self.recorded()
        self.add_message("first")
        world.pump()
        self.conversation = member.get("/v1/inbox/conversations").body["items"][0]["id"]
        self.booking = self.add_booking()
        world.pump()

    # --- one more of each ----------------------------------------------------------------------------------------------------------------

    def add_schedule(self) -> str:
        slots = [{"day_of_week": day, "start_time": "00:00", "end_time": "24:00"} for day in DAYS]
        return str(created(self.member.post("/v1/scheduling/schedules", {"name": "Always", "timezone": "UTC", "slots": slots}))["id"])

    def add_event_type(self, **terms: Any) -> str:
        return str(created(self.member.post("/v1/scheduling/event-types", self.event_type_wanted(**terms)))["id"])

    def event_type_wanted(self, **terms: Any) -> dict[str, Any]:
        return {
            "schedule_id": self.schedule,
            "name": "Introduction",
            "slug": f"introduction-{new_id().hex}",
            "duration": MINUTES,
            "location_type": "ZOOM",
            "location_value": "https://zoom.example/j/1",
            "questions": [{"label": "What about?", "type": "SHORT_TEXT"}],
            **terms,
        }

    def start(self) -> datetime:
        """The next free half hour."""
        return self.tomorrow + timedelta(minutes=MINUTES * next(self._turn))

    def booking_wanted(self) -> dict[str, Any]:
        invitee = {"email": "grace@visitor.example", "name": "Grace Hopper", "timezone": "America/New_York"}
        return {"event_type_id": self.event_type, "start_time": self.start().isoformat(), "invitee": invitee, "utm_source": "letter"}

    def add_booking(self) -> str:
        return str(created(self.stranger.post("/v1/scheduling/bookings", self.booking_wanted()))["id"])

    def management_token(self, booking_id: str) -> str:
        return booking_service.management_token(Booking(id=UUID(booking_id), organization_id=self.member.organization_id))

    def connection_wanted(self) -> dict[str, Any]:
        number = str(new_id().int)[-15:]
        return {"platform": "WHATSAPP", "phone_number_id": number, "access_token": graph_api.token(number), "username": "s"}

    def add_connection(self) -> str:
        wanted = self.connection_wanted()
        created(self.member.post("/v1/inbox/connections", wanted))
        return str(wanted["phone_number_id"])

    def webhook_body(self, sender: str, number: str | None = None) -> bytes:
        """One message of WhatsApp."""
        message = {"from": sender, "id": f"wamid.{new_id()}", "timestamp": "1790000000", "type": "text", "text": {"body": "Hello"}}
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550001111", "phone_number_id": number or self.number},
            "contacts": [{"profile": {"name": "Kerry"}, "wa_id": sender}],
            "messages": [message],
        }
        body = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}
        return json.dumps(body).encode()

    def webhook(self, body: bytes) -> Request:
        signature = hmac.new(os.environ["WHATSAPP_APP_SECRET"].encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}"}
        return lambda: self.stranger.request("POST", WEBHOOK, body, headers)

    def add_message(self, sender: str) -> None:
        """Delivered when the queue is pumped; another sender is another conversation."""
        digits = str(int(hashlib.sha256(sender.encode()).hexdigest(), 16))[:11]
        assert self.webhook(self.webhook_body(digits))().status == 200

    def meeting_wanted(self) -> dict[str, Any]:
        url = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
        return {"platform": "YOUTUBE", "url": url, "scheduled_start": self.tomorrow.isoformat()}

    def add_meeting(self) -> str:
        return str(created(self.member.post("/v1/recordings/meetings", self.meeting_wanted()))["id"])

    def add_upload(self, meeting: str, *, is_multipart: bool = False) -> Any:
        wanted = {"size_bytes": len(RECORDING), "content_type": "video/webm"}
        with patch.object(media_types, "MULTIPART_FROM_BYTES", 1 if is_multipart else media_types.MULTIPART_FROM_BYTES):
            return created(self.member.post(f"/v1/recordings/meetings/{meeting}/uploads", wanted))

    def send(self, request: Any) -> str:
        """Send what was asked to be uploaded; the ETag."""
        wanted = urllib.request.Request(request["url"], RECORDING, {"content-type": "video/webm"} | request["headers"], method="PUT")
        with urllib.request.urlopen(wanted) as answer:
            return str(answer.headers["ETag"])

    def recorded(self) -> tuple[str, str]:
        """A meeting with its recording in the storage. What waited before is not delivered with it."""
        self.world.forget_events()
        meeting = self.add_meeting()
        upload = self.add_upload(meeting)
        self.send(upload["put"])
        self.world.pump()
        return meeting, str(upload["recording_id"])

    # --- routes --------------------------------------------------------------------------------------------------------------------------

    def slots(self, days: int = 31, event_type: str | None = None) -> Request:
        query = {"from": self.tomorrow.isoformat(), "to": (self.tomorrow + timedelta(days=days)).isoformat()}
        path = f"/v1/scheduling/event-types/{event_type or self.event_type}/slots"
        return lambda: self.stranger.request("GET", path, query=query)

    def book(self) -> Request:
        wanted, headers = self.booking_wanted(), key()
        return lambda: self.stranger.post("/v1/scheduling/bookings", wanted, headers)

    def payment(self) -> Request:
        """An event of a payment provider that is no more than heard: it gives the plan that the organization has."""
        secret, at, plan = new_id().hex, int(time.time()), self.member.get("/v1/identity/organization/limits").body["plan"]
        about = {"id": f"sub_{new_id()}", "status": "active", "metadata": {"organization_id": str(self.member.organization_id)}}
        event = {"id": str(new_id()), "type": "customer.subscription.updated", "created": at}
        body = json.dumps(event | {"data": {"object": about | {"items": {"data": [{"price": {"id": "p"}}]}}}}).encode()
        signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()

        def send() -> Any:
            with patch.dict(os.environ, PAYMENT_WEBHOOK_SECRET=secret, PAYMENT_PRICES=json.dumps({"p": plan})):
                return self.stranger.request("POST", "/v1/webhooks/payments", body, {"stripe-signature": f"t={at},v1={signed}"})

        return send

    def requests(self) -> dict[str, Callable[[], Request]]:
        """By method and path as in the template: makes a new request of that route ready, with an Idempotency-Key where it takes one."""
        get, post = self._get, self._post
        made = {route: make for area in AREAS for route, make in area.requests(self).items()}
        return made | {
            "GET /v1/identity/me": lambda: get("/v1/identity/me"),
            "GET /health": lambda: lambda: self.stranger.get("/health"),
            "POST /v1/scheduling/schedules": lambda: post("/v1/scheduling/schedules", {"name": "None", "timezone": "UTC", "slots": []}),
            "GET /v1/scheduling/schedules": lambda: get("/v1/scheduling/schedules"),
            "GET /v1/scheduling/schedules/{schedule_id}": lambda: get(f"/v1/scheduling/schedules/{self.schedule}"),
            "POST /v1/scheduling/event-types": lambda: post("/v1/scheduling/event-types", self.event_type_wanted()),
            "GET /v1/scheduling/event-types": lambda: get("/v1/scheduling/event-types"),
            "GET /v1/scheduling/event-types/{event_type_id}": lambda: get(f"/v1/scheduling/event-types/{self.event_type}"),
            "GET /v1/scheduling/event-types/{event_type_id}/public": lambda: self._public,
            "GET /v1/scheduling/event-types/{event_type_id}/slots": self.slots,
            "POST /v1/scheduling/bookings": self.book,
            "GET /v1/scheduling/bookings": lambda: get("/v1/scheduling/bookings"),
            "GET /v1/scheduling/bookings/{booking_id}": lambda: get(f"/v1/scheduling/bookings/{self.booking}"),
            "GET /bookings/{token}": lambda: self._managed("GET", "/bookings/{}"),
            "POST /bookings/{token}": lambda: self._managed("POST", "/bookings/{}"),
            "GET /v1/scheduling/managed-bookings/{token}": lambda: self._managed("GET", "/v1/scheduling/managed-bookings/{}"),
            "POST /v1/scheduling/managed-bookings/{token}/cancel": lambda: self._managed(
                "POST", "/v1/scheduling/managed-bookings/{}/cancel"
            ),
            "GET /v1/webhooks/whatsapp": lambda: self._handshake,
            "POST /v1/webhooks/whatsapp": lambda: self.webhook(self.webhook_body("491700000001")),
            "POST /v1/webhooks/payments": self.payment,
            "POST /v1/inbox/connections": lambda: post("/v1/inbox/connections", self.connection_wanted()),
            "GET /v1/inbox/connections": lambda: get("/v1/inbox/connections"),
            "GET /v1/inbox/connections/{connection_id}": lambda: get(f"/v1/inbox/connections/{self.connection}"),
            "DELETE /v1/inbox/connections/{connection_id}": self._disconnect,
            "GET /v1/inbox/conversations": lambda: get("/v1/inbox/conversations"),
            "GET /v1/inbox/conversations/{conversation_id}": lambda: get(f"/v1/inbox/conversations/{self.conversation}"),
            "GET /v1/inbox/conversations/{conversation_id}/messages": lambda: get(f"/v1/inbox/conversations/{self.conversation}/messages"),
            "POST /v1/inbox/conversations/{conversation_id}/read": self._read,
            "POST /v1/recordings/meetings": lambda: post("/v1/recordings/meetings", self.meeting_wanted()),
            "GET /v1/recordings/meetings": lambda: get("/v1/recordings/meetings"),
            "GET /v1/recordings/meetings/{meeting_id}": lambda: get(f"/v1/recordings/meetings/{self.meeting}"),
            "POST /v1/recordings/meetings/{meeting_id}/uploads": lambda: post(
                f"/v1/recordings/meetings/{self.add_meeting()}/uploads", {"size_bytes": 7, "content_type": "video/webm"}
            ),
            "GET /v1/recordings/meetings/{meeting_id}/uploads/{upload_id}/parts": lambda: get(f"{self._multipart()[0]}/parts"),
            "POST /v1/recordings/meetings/{meeting_id}/uploads/{upload_id}/complete": self._complete,
            "DELETE /v1/recordings/meetings/{meeting_id}/uploads/{upload_id}": self._abort,
            "GET /v1/recordings": lambda: get("/v1/recordings"),
            "GET /v1/recordings/{recording_id}": lambda: get(f"/v1/recordings/{self.recording}"),
            "POST /v1/recordings/{recording_id}/downloads": lambda: post(f"/v1/recordings/{self.recording}/downloads"),
        }

    def _get(self, path: str) -> Request:
        is_list = path not in NO_LISTS and (path.endswith("/messages") or (path.count("/") < 4 and len(path.rpartition("/")[2]) < 36))
        return lambda: self.member.get(path, limit=100 if is_list else None)

    def _post(self, path: str, wanted: Any = None) -> Request:
        headers = key()
        return lambda: self.member.post(path, wanted, headers)

    def _public(self) -> Answer:
        return self.stranger.get(f"/v1/scheduling/event-types/{self.event_type}/public")

    def _managed(self, method: str, path: str) -> Request:
        target = path.format(self.management_token(self.add_booking()))
        is_form = method == "POST" and target.startswith("/bookings/")
        headers, body = ({"content-type": "application/x-www-form-urlencoded"}, b"reason=ill") if is_form else ({}, {})
        return lambda: self.stranger.request(method, target, body if method == "POST" else None, headers)

    def _handshake(self) -> Answer:
        token = os.environ["WHATSAPP_VERIFY_TOKEN"]
        query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1158201444"}
        return self.stranger.request("GET", WEBHOOK, query=query)

    def _disconnect(self) -> Request:
        number = self.add_connection()
        items = self.member.get("/v1/inbox/connections", limit=100).body["items"]
        connection = next(item["id"] for item in items if item["platform_user_id"] == number)
        return lambda: self.member.delete(f"/v1/inbox/connections/{connection}")

    def _read(self) -> Request:
        self.world.forget_events()
        self.add_message("first")
        self.world.pump()
        return self._post(f"/v1/inbox/conversations/{self.conversation}/read")

    def _multipart(self) -> tuple[str, Any]:
        meeting = self.add_meeting()
        upload = self.add_upload(meeting, is_multipart=True)
        return f"/v1/recordings/meetings/{meeting}/uploads/{upload['id']}", upload

    def _complete(self) -> Request:
        path, upload = self._multipart()
        etag = self.send(upload["multipart"]["parts"][0]["request"])
        return self._post(f"{path}/complete", {"parts": [{"part_number": 1, "etag": etag}]})

    def _abort(self) -> Request:
        path, _ = self._multipart()
        return lambda: self.member.delete(path)

    # --- workers -------------------------------------------------------------------------------------------------------------------------

    def work(self) -> dict[str, Callable[[], Request]]:
        """By what comes in: puts it where the worker finds it, and gives the call that makes the worker take it."""
        return {
            "platform/relay_outbox: one event": self._relay,
            "scheduling/on_booking_changed: one booking": lambda: self._delivery("SchedulingOnBookingChanged", self.add_booking),
            "inbox/on_webhook_received: one message": lambda: self._delivery("InboxOnWebhookReceived", lambda: self.add_message("first")),
            "recordings/on_recording_uploaded: one object": lambda: self._delivery("RecordingsOnRecordingUploaded", self._arrive),
        }

    def _relay(self) -> Request:
        self.world.forget_events()
        self.add_booking()
        return lambda: self.world.invoke("platform/relay_outbox", {"Records": []})

    def _delivery(self, function: str, cause: Callable[[], object]) -> Request:
        self.world.forget_events()
        cause()
        self.world.invoke("platform/relay_outbox", {"Records": []})
        return lambda: self._taken(function)

    def _taken(self, function: str) -> int:
        taken = self.world.sources[function].once()
        assert taken == 1, (function, taken)
        return taken

    def _arrive(self) -> None:
        self.send(self.add_upload(self.add_meeting())["put"])
