"""The OpenAPI document is one that others can read: each reference leads somewhere, and nothing lies there that no route comes to."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "shared" / "parley" / "openapi.json").read_text())


def _named(part: Any) -> set[str]:
    return set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(part)))


def test_every_reference_leads_somewhere_and_every_schema_is_reached() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    prefix = "#/components/schemas/"
    assert {ref for ref in _named(DOCUMENT) if not ref.startswith(prefix) or ref.removeprefix(prefix) not in schemas} == set()
    waiting, reached = _named(DOCUMENT["paths"]), set[str]()
    while waiting:
        ref = waiting.pop()
        reached.add(ref)
        waiting |= _named(schemas[ref.removeprefix(prefix)]) - reached
    assert {f"{prefix}{name}" for name in schemas} == reached
