"""The OpenAPI document of all routes, as it was generated at build time."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "openapi.json"


@cache
def text() -> str:
    return FILE.read_text()


@cache
def _routes() -> list[tuple[str, re.Pattern[str], list[str]]]:
    paths: dict[str, dict[str, Any]] = json.loads(text())["paths"]
    return [
        (path.split("/")[1], re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(path))), sorted(method.upper() for method in methods))
        for path, methods in paths.items()
    ]


@cache
def _first_words() -> frozenset[str]:
    return frozenset(begins for begins, _, _ in _routes() if not begins.startswith("{"))


def methods_of(path: str) -> list[str]:
    """The methods that a path answers to; none for a path that is not there.

    A path may begin with a name that somebody chose (a booking page's), but with none that other paths begin with.
    """
    first = path.lstrip("/").partition("/")[0]
    is_ours = first in _first_words()
    matching = [(begins, methods) for begins, pattern, methods in _routes() if pattern.fullmatch(path)]
    return sorted({method for begins, methods in matching if begins == first or not is_ours for method in methods})
