"""The bus brings webhooks what their catalogue names, and nothing else."""

from __future__ import annotations

from pathlib import Path

from local.cloudformation import read
from parley.webhooks.declared import WebhooksEvent
from parley.webhooks.event_catalogue import sources

ROOT = Path(__file__).parents[2]


def test_the_rule_names_what_the_catalogue_tells() -> None:
    pattern = read(ROOT / "template.yaml")["Resources"]["EventsToWebhooks"]["Properties"]["EventPattern"]
    assert pattern["source"] == ["parley"]
    own = {WebhooksEvent.TURN_DUE, WebhooksEvent.SUBSCRIPTION_FAILING, WebhooksEvent.SUBSCRIPTION_DISABLED}
    assert set(pattern["detail-type"]) == sources() | own
    assert len(str(pattern)) < 2048, "EventBridge takes no longer pattern"
