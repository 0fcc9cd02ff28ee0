"""WEBHOOK workflows: signed as every webhook is, with a secret of their own, guarded at save and at sending."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from parley.webhooks.queue_messages import envelope
from tests.harness import sqs_event
from tests.kernel.http_receivers import Receiver, Reply
from tests.scheduling.booking_scenarios import at
from tests.scheduling.workflow_scenarios import LOG, WORKFLOWS, WorkflowScenario
from tests.webhooks.webhook_scenarios import WebhookScenario

HOOK = {"name": "Told", "channel": "WEBHOOK", "subject": None, "body": "{{invitee.name}} at {{booking.start}}"}


def hooked(agency: WorkflowScenario, url: str, **terms: Any) -> dict[str, Any]:
    return agency.workflow(**HOOK | {"url": url} | terms)


def work(agency: WorkflowScenario) -> None:
    agency.work()
    agency.world.invoke("webhooks/sweep_deliveries", {})
    agency.work()


def test_a_webhook_is_signed_with_a_secret_that_is_shown_once(agency: WorkflowScenario, endpoint: Receiver) -> None:
    kind = agency.event_type()
    flow = hooked(agency, endpoint.url, event_type_id=kind["id"])
    assert flow["secret"].startswith("whsec_")
    path = f"{WORKFLOWS}/{flow['id']}"
    assert "secret" not in agency.host.get(path).body and flow["secret"] not in agency.host.get(path).raw.decode()
    assert agency.host.get(path).body["url"] == endpoint.url
    booking = agency.booked(kind, at("10:00"))
    work(agency)
    (arrived,) = endpoint.arrived
    Webhook(flow["secret"]).verify(arrived.body, arrived.headers)
    payload = json.loads(arrived.body)
    assert payload["type"] == "workflow.triggered"
    assert payload["data"]["workflow"] == {"id": flow["id"], "name": "Told", "trigger": "BOOKING_CREATED"}
    body_text = f"Grace Hopper at {at('10:00')[:10]} 04:00 (America/New_York)"
    assert (payload["data"]["booking"]["id"], payload["data"]["body"]) == (booking["id"], body_text)
    assert agency.ended() == [("ENDPOINT", "SENT", None)]
    sent = {"subscription_id": flow["webhook_subscription_id"], "event": "workflow.triggered"}
    deliveries = agency.host.get("/v1/webhooks/deliveries", **sent).body["items"]
    assert [(delivery["event"], delivery["status"], delivery["entity_id"]) for delivery in deliveries] == [
        ("workflow.triggered", "SUCCESS", booking["id"])
    ]


def test_what_four_workers_hear_of_twice_reaches_endpoint_and_telephone_once(agency: WorkflowScenario, endpoint: Receiver) -> None:
    kind = agency.event_type()
    hooked(agency, endpoint.url, event_type_id=kind["id"])
    agency.agreed("+491700000077", channel="SMS")
    agency.workflow(event_type_id=kind["id"], channel="SMS", subject=None, body="x", addresses=["+491700000077"], recipients=[])
    booking = agency.booked(kind, at("10:00"))
    heard = envelope("scheduling.booking_created", agency.host.organization_id, {"booking_id": booking["id"]})
    give = lambda _: agency.world.invoke("scheduling/on_workflow_event", sqs_event(heard, heard))  # noqa: E731  # one expression, used once
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(give, range(4)))
    work(agency)
    assert len(endpoint.arrived) == 1
    assert [text["to"] for text in agency.world.stack.emulator.texts()].count("+491700000077") == 1
    assert sorted(agency.ended()) == [("ADDRESS", "SENT", None), ("ENDPOINT", "SENT", None)]


def test_an_endpoint_that_fails_is_given_up_and_may_be_tried_again(agency: WorkflowScenario, endpoint: Receiver) -> None:
    kind = agency.event_type()
    hooked(agency, endpoint.url, event_type_id=kind["id"])
    endpoint.answer = lambda _: Reply(500)
    agency.booked(kind, at("10:00"))
    for _ in range(6):
        work(agency)
        agency.moved.move(timedelta(hours=1))
    assert len(endpoint.arrived) == 4
    assert agency.ended() == [("ENDPOINT", "FAILED", "http_500")]
    endpoint.answer = lambda _: Reply(204)
    (failed,) = agency.log(status="FAILED")
    assert agency.host.post(f"{LOG}/{failed['id']}/resend").status == 202
    work(agency)
    assert (agency.ended(), len(endpoint.arrived)) == ([("ENDPOINT", "SENT", None)], 5)
    assert len({arrival.headers["webhook-id"] for arrival in endpoint.arrived}) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hook",
        "https://10.0.0.7/hook",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "https://user:secret@8.8.8.8/",
        "https://8.8.8.8:22/",
        "ftp://8.8.8.8/",
        "nonsense",
    ],
)
def test_an_address_that_is_not_public_is_refused_at_save(agency: WorkflowScenario, url: str) -> None:
    refused = agency.host.post(WORKFLOWS, HOOK | {"trigger": "BOOKING_CREATED", "url": url})
    assert (refused.status, refused.body["code"] in {"url_refused", "address_refused"}) == (422, True), refused.raw
    flow = hooked(agency, "https://8.8.8.8/hook")
    refused = agency.host.patch(f"{WORKFLOWS}/{flow['id']}", {"url": url})
    assert refused.status == 422


def test_a_name_that_leads_inside_by_the_time_of_sending_is_refused_then(agency: WorkflowScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    from parley.kernel.outbound import http_client
    from parley.kernel.outbound.ssrf_guard import AddressRefused

    kind = agency.event_type()
    flow = hooked(agency, "https://8.8.8.8/hook", event_type_id=kind["id"])
    WebhookScenario(agency.world, agency.host).agree(flow["webhook_subscription_id"])

    def inside(*_: Any) -> Any:
        raise AddressRefused("It leads inside.")

    monkeypatch.setattr(http_client, "resolve", inside)
    agency.booked(kind, at("10:00"))
    for _ in range(5):
        work(agency)
        agency.moved.move(timedelta(hours=1))
    assert agency.ended() == [("ENDPOINT", "FAILED", "address_refused")]


def test_a_new_url_an_endpoint_that_is_off_and_a_deleted_one(agency: WorkflowScenario, endpoint: Receiver) -> None:
    kind = agency.event_type()
    flow = hooked(agency, "https://8.8.8.8/hook", event_type_id=kind["id"])
    path, subscription = f"{WORKFLOWS}/{flow['id']}", f"/v1/webhooks/subscriptions/{flow['webhook_subscription_id']}"
    changed = agency.host.patch(path, {"url": endpoint.url})
    assert (changed.status, changed.body["url"], "secret" in changed.body) == (200, endpoint.url, False)
    assert agency.host.get(subscription).body["events"] == ["workflow.triggered"]
    agency.booked(kind, at("10:00"))
    work(agency)
    assert len(endpoint.arrived) == 1
    agency.host.patch(subscription, {"is_active": False})
    agency.booked(kind, at("11:00"))
    work(agency)
    assert agency.ended()[-1] == ("ENDPOINT", "FAILED", "endpoint_disabled")
    assert agency.host.post(f"{path}/test").body["code"] == "nothing_to_test"
    agency.host.delete(subscription)
    agency.booked(kind, at("12:00"))
    work(agency)
    assert agency.ended()[-1] == ("ENDPOINT", "FAILED", "endpoint_deleted")
    assert agency.host.patch(path, {"url": endpoint.url}).body["code"] == "endpoint_gone"
    assert agency.host.patch(path, {"name": "Still"}).status == 200
    assert agency.host.delete(path).status == 204
    assert len(endpoint.arrived) == 1


def test_what_never_left_for_its_endpoint_can_be_sent_when_it_is_on_again(agency: WorkflowScenario, endpoint: Receiver) -> None:
    kind = agency.event_type()
    flow = hooked(agency, endpoint.url, event_type_id=kind["id"])
    subscription = f"/v1/webhooks/subscriptions/{flow['webhook_subscription_id']}"
    agency.host.patch(subscription, {"is_active": False})
    booking = agency.booked(kind, at("10:00"))
    work(agency)
    (failed,) = agency.log(status="FAILED")
    resend = f"{LOG}/{failed['id']}/resend"
    refused = agency.host.post(resend)
    assert (refused.status, refused.body["code"]) == (409, "subscription_disabled")
    assert agency.ended() == [("ENDPOINT", "FAILED", "endpoint_disabled")]
    agency.host.post(f"{subscription}/enable")
    assert agency.host.post(resend).status == 202
    work(agency)
    (arrived,) = endpoint.arrived
    data = json.loads(arrived.body)["data"]
    assert (data["booking"]["id"], data["body"]) == (booking["id"], failed["body"])
    assert agency.ended() == [("ENDPOINT", "SENT", None)]


def test_a_test_reaches_the_endpoint_and_a_deleted_workflow_takes_it_along(agency: WorkflowScenario, endpoint: Receiver) -> None:
    kind = agency.event_type()
    flow = hooked(agency, endpoint.url, event_type_id=kind["id"])
    assert agency.host.request("POST", f"{WORKFLOWS}/{flow['id']}/test").status == 202  # without a body
    work(agency)
    (arrived,) = endpoint.arrived
    made_up = json.loads(arrived.body)["data"]["booking"]
    booking = agency.host.get(f"/v1/scheduling/bookings/{agency.booked(kind, at('10:00'))['id']}").body
    assert set(made_up) == set(booking) - {"answers"} | {"is_test"} and set(made_up["invitee"]) == set(booking["invitee"])
    assert (made_up["is_test"], made_up["event_type_id"], made_up["host_id"]) == (True, kind["id"], str(agency.host.user_id))
    assert agency.ended() == [("ENDPOINT", "SENT", None)]
    assert agency.host.delete(f"{WORKFLOWS}/{flow['id']}").status == 204
    assert agency.host.get(f"/v1/webhooks/subscriptions/{flow['webhook_subscription_id']}").status == 404
