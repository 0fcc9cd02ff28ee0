"""The OpenAPI document of all routes, as it was generated at build time."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "openapi.json"


@cache
def text() -> str:
    return FILE.read_text()


@cache
def _routes() -> list[tuple[re.Pattern[str], list[str]]]:
    paths: dict[str, dict[str, Any]] = json.loads(text())["paths"]
    return [
        (re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(path))), sorted(method.upper() for method in methods))
        for path, methods in paths.items()
    ]


def methods_of(path: str) -> list[str]:
    """The methods that a path answers to; none for a path that is not there."""
    return sorted({method for pattern, methods in _routes() if pattern.fullmatch(path) for method in methods})
