"""Which route of an HTTP API a request belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from local.template import Route

_EXACT, _PARAMETER, _GREEDY = 0, 1, 2


class Router:
    """The most specific route wins: fixed segment, {parameter}, {greedy+}, $default; a method before ANY."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._default = None
        compiled = []
        for route in routes:
            if route.path == "$default":
                self._default = route
            else:
                compiled.append((_rank(route), _pattern(route.path), route))
        self._compiled = sorted(compiled, key=lambda item: item[0])

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its path parameters, decoded. path: as it was sent, still percent-encoded."""
        for _, pattern, route in self._compiled:
            if route.method in {method, "ANY"} and (match := pattern.fullmatch(path)):
                return route, {name: unquote(value) for name, value in match.groupdict().items()}
        return (self._default, {}) if self._default else None


def route_key(route: Route) -> str:
    return route.path if route.path == "$default" else f"{route.method} {route.path}"


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/")


def _rank(route: Route) -> tuple[list[int], bool]:
    kinds = [_GREEDY if part.endswith("+}") else _PARAMETER if part.startswith("{") else _EXACT for part in _segments(route.path)]
    return kinds, route.method == "ANY"


def _pattern(path: str) -> re.Pattern[str]:
    parts = []
    for part in path.split("/"):
        if part.startswith("{") and part.endswith("+}"):
            parts.append(f"(?P<{part[1:-2]}>.+)")
        elif part.startswith("{") and part.endswith("}"):
            parts.append(f"(?P<{part[1:-1]}>[^/]+)")
        else:
            parts.append(re.escape(part))
    return re.compile("/".join(parts), re.DOTALL)
