"""From a booking to the receiver: what arrives, what is kept of it, when it is tried again."""

from __future__ import annotations

import json

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.kernel.http_receivers import Receiver
from tests.webhooks.webhook_scenarios import WebhookScenario


def test_a_booking_arrives_once_signed_as_the_api_shows_it(shop: WebhookScenario, endpoint: Receiver) -> None:
    made = shop.subscribe(endpoint.url, headers={"X-Tenant": "acme-42", "Authorization": "Bearer of-their-own"})
    booked = shop.book()
    shop.work()

    [arrived] = endpoint.arrived
    message = Webhook(made["secret"]).verify(arrived.body, arrived.headers)
    assert message["type"] == "booking.created"
    assert message["data"] == {k: v for k, v in shop.member.get(f"/v1/scheduling/bookings/{booked}").body.items() if k != "answers"}
    assert message["timestamp"].endswith("Z")
    assert (arrived.headers["x-tenant"], arrived.headers["authorization"]) == ("acme-42", "Bearer of-their-own")
    assert arrived.headers["content-type"] == "application/json"

    [logged] = shop.log()
    assert arrived.headers["webhook-id"] == logged["id"]
    assert (logged["status"], logged["status_code"], logged["attempt_count"], logged["next_retry_at"]) == ("SUCCESS", 200, 1, None)
    assert logged["entity_id"] == booked
    whole = shop.look(logged["id"])
    assert whole["payload"] == message
    assert whole["response_body"] == "ok"
    assert whole["request_headers"]["x-tenant"] == whole["request_headers"]["authorization"] == "***"
    assert "of-their-own" not in json.dumps(whole) and made["secret"] not in json.dumps(whole)
    shop.work()
    assert len(endpoint.arrived) == 1


def test_a_changed_body_is_not_accepted_by_the_verifier(shop: WebhookScenario, endpoint: Receiver) -> None:
    made = shop.subscribe(endpoint.url)
    shop.book()
    shop.work()
    [arrived] = endpoint.arrived
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(arrived.body + b" ", arrived.headers)
    other = shop.subscribe("https://8.8.8.8/")
    with pytest.raises(WebhookVerificationError):
        Webhook(other["secret"]).verify(arrived.body, arrived.headers)
