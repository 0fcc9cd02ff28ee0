"""The endpoints in functions/: a file is one route or one event, and its docstring begins with which.

    GET /v1/things/{thing_id}: …      a route; of nobody's but a caller's, unless the handler `needs=Access.ANYBODY`
    $default: …                       what no other route answers to
    Queue scheduling-jobs: …          messages of a queue
    Each minute: …  Every 5 minutes: …  Queue relay-queue, each minute: …

Anything else is called by others, or by hand. What differs from the usual stands in functions/<domain>/functions.yaml, see
`local.function_blocks`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.cloudformation import TemplateProblem, parse
from local.emulator import ROOT

FUNCTIONS = ROOT / "functions"
DIFFERENCES = "functions.yaml"
_ROUTE = re.compile(r"(GET|POST|PUT|PATCH|DELETE|ANY) (/[^\s:]*?)(?::\s|\n|$)")
_QUEUE = re.compile(r"Queue ([a-z-]+)[:,]")
_SCHEDULE = re.compile(r"(?:^|, )(?:each|every (\d+)) (minute|hour|day)s?:", re.IGNORECASE)


@dataclass(frozen=True)
class Endpoint:
    """method and path: of a route, or None. queue: logical id. needs: a scope, `Access.…`, or None of what has no application."""

    domain: str
    name: str
    method: str | None
    path: str | None
    queue: str | None
    schedule: str | None
    needs: str | None
    differences: Mapping[str, Any]

    @property
    def function(self) -> str:
        """The logical id."""
        return camel(self.domain) + camel(self.name)

    @property
    def is_default(self) -> bool:
        return self.path == "$default"

    @property
    def answers_head(self) -> bool:
        """Whether HEAD leads to it, too: what browsers, mail programs and monitors open, and what HEAD of a page would else be led
        away from, `/v1/recordings` being an `/{organization}/{event_type}` (docs/decisions/0071)."""
        path = str(self.path)
        return self.method == "GET" and ((self.is_public and not path.startswith("/v1/")) or path.count("/") <= 2)

    @property
    def is_public(self) -> bool:
        return self.needs in (None, "Access.ANYBODY")


def camel(words: str) -> str:
    return "".join(word.capitalize() for word in re.split(r"[_-]", words))


def endpoints(folder: Path = FUNCTIONS) -> Iterator[Endpoint]:
    """Those of every domain, in the order of their names. Raises TemplateProblem for differences of what is not there."""
    for domain in sorted(path for path in folder.iterdir() if path.is_dir() and any(path.glob("*.py"))):
        path = domain / DIFFERENCES
        differences = _map(parse(path) if path.exists() else {}, f"{domain.name}/{DIFFERENCES}")
        handlers = sorted(handler for handler in domain.glob("*.py") if not handler.name.startswith("_"))
        if unknown := differences.keys() - {handler.stem for handler in handlers}:
            raise TemplateProblem(f"{domain.name}/{DIFFERENCES}: there is no {', '.join(sorted(unknown))}")
        for handler in handlers:
            yield _endpoint(handler, _map(differences.get(handler.stem), f"{domain.name}/{DIFFERENCES}, {handler.stem}"))


def _map(content: Any, where: str) -> dict[str, Any]:
    if content is not None and not isinstance(content, dict):
        raise TemplateProblem(f"{where}: must be a map of names")
    return content or {}


def _endpoint(handler: Path, differences: Mapping[str, Any]) -> Endpoint:
    try:
        tree = ast.parse(handler.read_text(encoding="utf-8"))
    except SyntaxError as problem:
        raise TemplateProblem(f"{handler.parent.name}/{handler.name}, line {problem.lineno}: {problem.msg}") from problem
    documentation = ast.get_docstring(tree) or ""
    route, queue, schedule = (
        _ROUTE.match(documentation),
        _QUEUE.match(documentation),
        _SCHEDULE.search(documentation.partition(":")[0] + ":"),
    )
    return Endpoint(
        handler.parent.name,
        handler.stem,
        route[1] if route else None,
        route[2] if route else "$default" if documentation.startswith("$default:") else None,
        camel(queue[1]) if queue else None,
        f"rate({schedule[1] or 1} {schedule[2]}{'s' if schedule[1] else ''})" if schedule else None,
        next(_needs(tree), None),
        differences,
    )


def _needs(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id="app")], value=ast.Call(keywords=keywords))
                | ast.AnnAssign(target=ast.Name(id="app"), value=ast.Call(keywords=keywords))
            ):
                for keyword in keywords:
                    if keyword.arg == "needs":
                        yield str(keyword.value.value) if isinstance(keyword.value, ast.Constant) else ast.unparse(keyword.value)
