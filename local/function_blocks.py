"""`make template`: the functions of template.yaml, written from functions/ between two marks. The rest is written by hand.

    python -m local.function_blocks            # write them
    python -m local.function_blocks --check    # fail when they are old

The usual function answers a route, lies in the network, reaches the database with `DatabaseRole`, waits for the migrations and has the
variables of `Globals`. What is another way stands in functions/<domain>/functions.yaml, by the file's name:

    create_booking:
      role: AnnouncingRole            # a role of the template; `outside`, the usual one is OutsideRole
      policies: [ReachDatabase, …]    # instead of a role: one of its own, of the template's grants and of documents in place
      variables: [PEPPER, …]          # each as functions/variables.yaml says it; `NAME: value` of what only this function has
      layers, memory, timeout, queue: {batch, concurrency}
      outside: true                   # of the network, and without the database
      alone: true                     # never merged with others where it is deployed (local/merging.py)
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from local.cloudformation import TemplateProblem, parse
from local.emulator import ROOT
from local.endpoints import FUNCTIONS, Endpoint, camel, endpoints
from local.problems import end_with

TEMPLATE = ROOT / "template.yaml"
VARIABLES = "variables.yaml"
BEGIN = "  # --- functions: written by `make template` from functions/, not here "
END = "  # --- the end of the functions "
KEYS = {"role", "policies", "variables", "layers", "memory", "timeout", "queue", "outside", "alone"}
_NO_VALUE = {"Ref": "AWS::NoValue"}
_WIDTH = 140
_OPEN = {"Properties", "Variables", "Environment", "Events"}  # never on the line of their key, but for an event's own
_PLAIN = re.compile(r"(?!(?:true|false|null|yes|no|on|off)$)[A-Za-z](?:[A-Za-z0-9_./-]|::)*", re.IGNORECASE)


def resource(endpoint: Endpoint, variables: Mapping[str, Any]) -> dict[str, Any]:
    """A function as the template says it, intrinsic functions in their long form."""
    different = endpoint.differences
    if unknown := different.keys() - KEYS:
        raise TemplateProblem(f"{endpoint.domain}/functions.yaml, {endpoint.name}: {', '.join(sorted(unknown))} is nothing that can differ")
    is_outside = different.get("outside", False)
    own = ({"DATABASE_URL": _NO_VALUE} if is_outside else {}) | dict(_variables(different.get("variables", ()), variables))
    properties: dict[str, Any] = {
        "CodeUri": f"functions/{endpoint.domain}/",
        "Handler": f"{endpoint.name}.lambda_handler",
        "MemorySize": different.get("memory"),
        "Timeout": different.get("timeout"),
        "LoggingConfig": {"LogGroup": {"Ref": f"{camel(endpoint.domain)}Logs"}},
        "VpcConfig": _NO_VALUE if is_outside else None,
        "Layers": [{"Ref": layer} for layer in different.get("layers", ())],
        "Environment": {"Variables": own} if own else None,
    }
    if "policies" in different:
        properties["Policies"] = [{"Ref": policy} if isinstance(policy, str) else policy for policy in different["policies"]]
    else:
        properties["Role"] = {"Fn::GetAtt": [different.get("role", "OutsideRole" if is_outside else "DatabaseRole"), "Arn"]}
    properties["Events"] = dict(_events(endpoint))
    waits = {} if is_outside or "DATABASE_OWNER_URL" in own else {"DependsOn": "Migrations"}
    return {"Type": "AWS::Serverless::Function"} | waits | {"Properties": {key: value for key, value in properties.items() if value}}


def _variables(wanted: Iterable[Any], definitions: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in wanted:
        if isinstance(name, dict):
            yield from name.items()
        elif name in definitions:
            yield name, definitions[name]
        else:
            raise TemplateProblem(f"functions/{VARIABLES} does not say what {name} is")


def _events(endpoint: Endpoint) -> Iterator[tuple[str, Any]]:
    if endpoint.path is not None:
        where = {} if endpoint.is_default else {"Method": endpoint.method, "Path": endpoint.path}
        public = {"Auth": {"Authorizer": "NONE"}} if endpoint.is_public else {}
        yield "Http", {"Type": "HttpApi", "Properties": {"ApiId": {"Ref": "Api"}} | where | public}
        if endpoint.answers_head:
            yield "Head", {"Type": "HttpApi", "Properties": {"ApiId": {"Ref": "Api"}} | where | {"Method": "HEAD"} | public}
    if endpoint.queue is not None:
        queue = endpoint.differences.get("queue", {})
        source = {
            "Queue": {"Fn::GetAtt": [endpoint.queue, "Arn"]},
            "BatchSize": queue.get("batch", 10),
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": queue.get("concurrency", 10)},
        }
        yield "Queue", {"Type": "SQS", "Properties": source}
    if endpoint.schedule is not None:
        schedule = {"Schedule": endpoint.schedule, "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["BusDeadLetters", "Arn"]}}}
        yield "Sweep", {"Type": "Schedule", "Properties": schedule}


def written(folder: Path = FUNCTIONS) -> str:
    """All functions, as the template's text."""
    variables: dict[str, Any] = parse(folder / VARIABLES)
    blocks = ("\n".join(_lines(endpoint.function, resource(endpoint, variables), 2)) for endpoint in endpoints(folder))
    return "\n\n".join(blocks)


def _lines(key: str, value: Any, indent: int) -> Iterator[str]:
    """A key with its value: on one line where there is room and the house writes it so, else item below item."""
    line = f"{' ' * indent}{key}: {_inline(value)}"
    opens = isinstance(value, dict) and not _is_intrinsic(value) and (indent == 2 or (key in _OPEN and indent < 10))
    if (len(line) <= _WIDTH and not opens) or not isinstance(value, dict | list):
        yield line
        return
    tag, parts = _taken_apart(value)
    yield f"{' ' * indent}{key}:{tag}"
    if isinstance(parts, dict):
        for name, item in parts.items():
            yield from _lines(name, item, indent + 2)
        return
    for item in parts:
        whole = f"{' ' * (indent + 2)}- {_inline(item)}"
        if len(whole) <= _WIDTH or not isinstance(item, dict) or _is_intrinsic(item):
            yield whole
        else:
            first, *others = (line for name, part in item.items() for line in _lines(name, part, indent + 4))
            yield from (f"{' ' * (indent + 2)}- {first.lstrip()}", *others)


def _taken_apart(value: Any) -> tuple[str, Any]:
    """A long value as what its first line ends with, and what stands below."""
    [(name, argument)] = value.items() if _is_intrinsic(value) else [("", value)]
    return (f" !{name.removeprefix('Fn::')}" if name else ""), argument


def _is_intrinsic(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def _inline(value: Any) -> str:
    if _is_intrinsic(value):
        [(name, argument)] = value.items()
        if name in ("Ref", "Fn::GetAtt"):
            return f"!{name.removeprefix('Fn::')} {argument if name == 'Ref' else '.'.join(argument)}"
        return f"!{name.removeprefix('Fn::')} {json.dumps(argument) if isinstance(argument, str) else _inline(argument)}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_inline(key)}: {_inline(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(_inline(item) for item in value)}]"
    return value if isinstance(value, str) and _PLAIN.fullmatch(value) else json.dumps(value)


def fresh(template: str, folder: Path = FUNCTIONS) -> str:
    """The template with its functions written anew."""
    before, begin, rest = template.partition(BEGIN)
    rule, _, rest = rest.partition("\n")
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise TemplateProblem("template.yaml has lost the marks between which its functions are written")
    return f"{before}{begin}{rule}\n\n{written(folder)}\n\n{end}{after}"


def main() -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    updated = fresh(text)
    if "--check" in sys.argv:
        sys.exit(0 if updated == text else "The functions of template.yaml are old: run `make template`.")
    TEMPLATE.write_text(updated, encoding="utf-8")
    print(f"template.yaml: {updated.count('Type: AWS::Serverless::Function')} functions")


if __name__ == "__main__":
    end_with(main)
