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


def test_two_readers_that_are_not_ours_take_it_whole() -> None:
    """The schemas as JSON Schema 2020-12, which OpenAPI 3.1 is; the routes as who makes requests of them reads them."""
    import jsonschema_rs
    import schemathesis
    from schemathesis.core.result import Ok

    for name in DOCUMENT["components"]["schemas"]:
        jsonschema_rs.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]})
    read = [each for each in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations() if isinstance(each, Ok)]
    assert len(read) == sum(len(operations) for operations in DOCUMENT["paths"].values())
