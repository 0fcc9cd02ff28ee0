"""A customer writes on WhatsApp: Meta's handshake and its deliveries, twenty times over, receipts in the wrong order, and the inbox."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local import graph_api
from local.demo import Played, PlayFailed, Scene, expect, wait_for

URL = "/v1/webhooks/whatsapp"
DELIVERIES = 20


def play(scene: Scene) -> Played:
    played = Played()
    _handshake(scene, played)
    connection = _connected(scene, played)
    customer, number = f"4915{secrets.randbelow(10**8):08d}", connection["platform_user_id"]
    conversation = _written(scene, played, number, customer)
    _answered(scene, played, number, customer, conversation["id"])
    read = expect(scene.owner.post(f"/v1/inbox/conversations/{conversation['id']}/read"), 200)
    played.add_row("POST …/conversations/{id}/read", f"200: {read['unread_count']} unread")
    played.curl = [
        'curl -s "{url}/v1/inbox/conversations?unread=true" -H "Authorization: Bearer $TOKEN"',
        f'curl -s {{url}}/v1/inbox/conversations/{conversation["id"]}/messages -H "Authorization: Bearer $TOKEN"',
    ]
    return played


def _handshake(scene: Scene, played: Played) -> None:
    token = scene.stack.environment["WHATSAPP_VERIFY_TOKEN"]
    answer = scene.stranger.get(f"{URL}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}")
    if expect(answer, 200) != "1158201444":
        raise PlayFailed("the handshake was not answered with its challenge")
    expect(scene.stranger.get(f"{URL}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=wrong"), 403)
    played.add_row(f"GET {URL}, the handshake", "200 with the challenge; 403 with a wrong token")


def _connected(scene: Scene, played: Played) -> Any:
    number = str(secrets.randbelow(10**15) + 10**15)
    wanted = {"platform": "WHATSAPP", "phone_number_id": number, "access_token": graph_api.token(number), "display_name": "Support"}
    expect(scene.owner.post("/v1/inbox/connections", wanted | {"access_token": "EAA" + "x" * 40}), 422)
    connection = expect(scene.owner.post("/v1/inbox/connections", wanted, {"idempotency-key": str(uuid.uuid4())}), 201)
    played.add_row("POST /v1/inbox/connections", "201: a WhatsApp number; its access token is sealed, and in no answer")
    return connection


def _body(number: str, **parts: Any) -> bytes:
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "4930123456", "phone_number_id": number}} | parts
    field = "smb_message_echoes" if "message_echoes" in parts else "messages"
    body = {"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": [{"field": field, "value": value}]}]}
    return json.dumps(body, separators=(",", ":")).replace("/", "\\/").encode()


def _deliver(scene: Scene, content: bytes, secret: str | None = None) -> int:
    key = secret or scene.stack.environment["WHATSAPP_APP_SECRET"]
    signature = "sha256=" + hmac.new(key.encode(), content, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "x-hub-signature-256": signature}
    return scene.stranger.request("POST", URL, content, headers).status


def _message(kind: str, detail: Any, **more: Any) -> dict[str, Any]:
    return {"id": f"wamid.{secrets.token_hex(16)}", "timestamp": str(int(time.time())), "type": kind, kind: detail} | more


def _written(scene: Scene, played: Played, number: str, customer: str) -> Any:
    words = "Grüße! 👋 Haben Sie am 12/1 noch Platz?"
    picture = {"id": "1166846181421424", "mime_type": "image/jpeg", "sha256": "ohcz5DZ3T7lQ="}
    content = _body(
        number,
        contacts=[{"wa_id": customer, "profile": {"name": "Erika Mustermann"}}],
        messages=[_message("image", picture, **{"from": customer}), _message("text", {"body": words}, **{"from": customer})],
    )
    if _deliver(scene, content, "another secret") != 401:
        raise PlayFailed("a body with a wrong signature was taken")
    with ThreadPoolExecutor(DELIVERIES) as pool:
        statuses = list(pool.map(lambda _: _deliver(scene, content), range(DELIVERIES)))
    if statuses != [200] * DELIVERIES:
        raise PlayFailed(f"deliveries were answered {sorted(set(statuses))}")
    played.add_row(f"POST {URL}, one body {DELIVERIES} times at once", "200 each; 401 with a wrong signature")

    def looked() -> Any:
        items = expect(scene.owner.get("/v1/inbox/conversations?unread=true&limit=100"), 200)["items"]
        return next((item for item in items if item["external_id"] == customer), None)

    conversation = wait_for("the customer's conversation", looked)
    if (conversation["unread_count"], conversation["last_message_preview"]) != (2, words):
        raise PlayFailed(f"the conversation shows {conversation}")
    played.add_row("queue → worker", f"one conversation, 2 messages, 2 unread: {words}")
    return conversation


def _answered(scene: Scene, played: Played, number: str, customer: str, conversation_id: str) -> None:
    """Receipts come first, the answer that was typed on the phone comes last, and its end state is the same."""
    answer = _message("text", {"body": "Ja, um 10 Uhr."}, **{"from": "4930123456", "to": customer})
    for status in ("read", "delivered", "sent"):
        receipt = {"id": answer["id"], "status": status, "timestamp": answer["timestamp"], "recipient_id": customer}
        _deliver(scene, _body(number, statuses=[receipt]))
    _deliver(scene, _body(number, message_echoes=[answer]))

    def looked() -> Any:
        items = expect(scene.owner.get(f"/v1/inbox/conversations/{conversation_id}/messages"), 200)["items"]
        return next((item for item in items if item["direction"] == "OUTBOUND" and item["status"] == "READ"), None)

    wait_for("the answer with its receipts", looked)
    played.add_row("receipts read, delivered, sent; then their message", "OUTBOUND, READ: receipts wait for what they tell of")
