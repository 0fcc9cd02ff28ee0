"""Recorded events get the secrets of the stack at hand, in a file of their own."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from local.recorded_events import filled
from local.sam import SamProblem, put_down

EVENTS = Path(__file__).parents[1] / "events"
SECRETS = {"WHATSAPP_APP_SECRET": "app secret", "WHATSAPP_VERIFY_TOKEN": "verify token"}


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_an_event_differs_in_nothing_but_its_secrets(path: Path) -> None:
    recorded = path.read_text()
    text = json.dumps(filled(recorded, SECRETS))
    is_request_of_the_platform = path.stem in ("inbox_whatsapp_webhook", "inbox_whatsapp_handshake")
    assert (text == json.dumps(json.loads(recorded))) is not is_request_of_the_platform
    assert "<WHATSAPP" not in text


def test_the_sam_cli_gets_the_event_as_this_stack_would(tmp_path: Path) -> None:
    recorded = EVENTS / "inbox_whatsapp_webhook.json"
    arguments, variables = put_down(["invoke", "InboxReceiveWebhook", "--event", str(recorded), "--debug"], SECRETS, tmp_path)
    assert json.loads(variables.read_text()) == {"Parameters": SECRETS}
    assert arguments == ["invoke", "InboxReceiveWebhook", "--event", str(tmp_path / "event.json"), "--debug"]
    event = json.loads(Path(arguments[3]).read_text())
    expected = hmac.new(b"app secret", event["body"].encode(), hashlib.sha256).hexdigest()
    assert event["headers"]["x-hub-signature-256"] == f"sha256={expected}"
    for untouched in (["start-api"], ["invoke", "PlatformGetHealth"], ["invoke", "PlatformGetHealth", "-e", "-"]):
        assert put_down(untouched, SECRETS, tmp_path)[0] == untouched
    with pytest.raises(SamProblem):
        put_down(["invoke", "PlatformGetHealth", "-e", "there-is-none.json"], SECRETS, tmp_path)
