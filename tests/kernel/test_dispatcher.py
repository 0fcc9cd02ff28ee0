"""A function that is deployed for several routes imports the module of the one that is asked, when it is asked first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from parley.kernel.edge.route_dispatcher import Handler, dispatcher

MODULE = """
import sys
sys.loaded = [*getattr(sys, "loaded", ()), __name__]

def lambda_handler(event, context):
    return {"by": __name__, "route": event["routeKey"], "context": context}
"""


@pytest.fixture
def handler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Handler:
    monkeypatch.setattr(sys, "loaded", [], raising=False)
    for name in ("get_thing", "list_things"):
        (tmp_path / f"{name}.py").write_text(MODULE)
    return dispatcher(str(tmp_path / "thing_read_1234.py"), {"GET /things": "list_things", "GET /things/{thing_id}": "get_thing"})


def answer_of(handler: Handler, route: str) -> dict[str, Any]:
    return handler({"routeKey": route}, "the context")


def test_a_route_is_answered_by_its_module_which_is_imported_once(handler: Handler, tmp_path: Path) -> None:
    name = f"functions.{tmp_path.name}.get_thing"
    for _ in range(2):
        assert answer_of(handler, "GET /things/{thing_id}") == {"by": name, "route": "GET /things/{thing_id}", "context": "the context"}
    assert sys.loaded == [name]  # type: ignore[attr-defined]  # the module's own mark
    assert answer_of(handler, "GET /things")["by"].endswith(".list_things")


def test_head_is_answered_by_what_answers_get(handler: Handler) -> None:
    assert answer_of(handler, "HEAD /things")["by"].endswith(".list_things")


def test_a_module_that_can_not_be_imported_is_tried_again(handler: Handler, tmp_path: Path) -> None:
    path = tmp_path / "get_thing.py"
    path.write_text("raise ZeroDivisionError")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            answer_of(handler, "GET /things/{thing_id}")
    assert f"functions.{tmp_path.name}.get_thing" not in sys.modules
    assert answer_of(handler, "GET /things")["by"].endswith(".list_things")
