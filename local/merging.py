"""What is deployed holds several files: functions of one domain, noun and scope, with the same grants, variables, layers, network, time and
memory, become one function, whose handler imports the module of the route that is asked.

An API takes 300 integrations, a function each, and no more. Functions that are `alone` in their domain's functions.yaml stay so, and what
is called by anything but a route. A merged function's name ends with a mark of its routes: when they change it is a new function, and until
that is there the API leads to the old one. See docs/decisions/0062.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.cloudformation import TemplateProblem
from local.emulator import ROOT
from local.endpoints import FUNCTIONS, Endpoint, camel, endpoints
from local.references import mentioned
from local.routing import route_key
from local.template import FUNCTION, Route

Document = dict[str, Any]
CODE = "code"  # the folder of the functions' code, beside the stacks
LONGEST_NAME = 35  # docs/sam.md: a function's name takes 64 letters, the stack's has 28 and a dash
_MARK = 4
_OWN = {"CodeUri", "Handler", "Events"}
_SHARED = ROOT / "shared"


@dataclass(frozen=True)
class Group:
    """Endpoints that are deployed as one function."""

    members: tuple[Endpoint, ...]

    @property
    def routes(self) -> dict[str, str]:
        return {_key(member): member.name for member in self.members}

    @property
    def words(self) -> tuple[str, str]:
        """What they are about, and what they may: `event_type`, `write`."""
        return noun_of(self.members[0]).replace("-", "_"), access_of(self.members[0])

    @property
    def mark(self) -> str:
        return hashlib.sha256("\n".join(sorted(self.routes)).encode()).hexdigest()[:_MARK]

    @property
    def function(self) -> str:
        name = camel(self.members[0].domain) + "".join(map(camel, self.words))
        return name[: LONGEST_NAME - _MARK] + self.mark

    @property
    def module(self) -> str:
        return "_".join((*self.words, self.mark))


def merged(document: Document, folder: Path = FUNCTIONS) -> tuple[Document, list[Group]]:
    """The template with merged functions instead of those that they are made of. Its other resources are the same."""
    resources = document["Resources"]
    groups = list(_groups(resources, folder))
    merged_resources = dict[str, Any]()
    first_of = {group.members[0].function: group for group in groups}
    replaced = {member.function for group in groups for member in group.members}
    for name, resource in resources.items():
        if group := first_of.get(name):
            if group.function in merged_resources or group.function in resources:
                raise TemplateProblem(f"two functions would be called {group.function}")
            merged_resources[group.function] = _function(resources, group)
        elif name not in replaced:
            merged_resources[name] = resource
    return document | {"Resources": merged_resources}, groups


def _groups(resources: Mapping[str, Any], folder: Path) -> Iterator[Group]:
    functions = {name for name, resource in resources.items() if resource["Type"] == FUNCTION}
    referenced = functions & set(mentioned([resource.get("Properties", {}) for resource in resources.values()]))
    candidates: dict[tuple[str, ...], list[Endpoint]] = defaultdict(list)
    for endpoint in endpoints(folder):
        resource = resources.get(endpoint.function)
        if resource is not None and _may_merge(endpoint, resource) and endpoint.function not in referenced:
            properties = {key: value for key, value in resource["Properties"].items() if key not in _OWN}
            same = json.dumps(_without_name(resource) | {"Properties": properties}, sort_keys=True)
            candidates[endpoint.domain, noun_of(endpoint), access_of(endpoint), str(endpoint.needs), same].append(endpoint)
    for members in candidates.values():
        if len(members) > 1:
            yield Group(tuple(members))


def _may_merge(endpoint: Endpoint, function: Mapping[str, Any]) -> bool:
    is_plain = endpoint.path is not None and not endpoint.is_default and endpoint.method != "ANY"
    only_routes = all(event["Type"] == "HttpApi" for event in function["Properties"].get("Events", {}).values())
    return is_plain and only_routes and not endpoint.differences.get("alone", False)


def _function(resources: Mapping[str, Any], group: Group) -> dict[str, Any]:
    resource: dict[str, Any] = resources[group.members[0].function]
    events = {
        camel(member.name) + name.removeprefix("Http"): event
        for member in group.members
        for name, event in resources[member.function]["Properties"]["Events"].items()
    }
    return _without_name(resource) | {
        "Properties": resource["Properties"] | {"Handler": f"{group.module}.lambda_handler", "Events": events}
    }


def _without_name(function: dict[str, Any]) -> dict[str, Any]:
    """`sam build` writes the name of each function into its metadata."""
    metadata = {key: value for key, value in function.get("Metadata", {}).items() if key != "SamResourceId"}
    rest = {key: value for key, value in function.items() if key != "Metadata"}
    return rest | ({"Metadata": metadata} if metadata else {})


def _key(endpoint: Endpoint) -> str:
    return route_key(Route(endpoint.method or "ANY", endpoint.path or "$default", endpoint.function, None))


def noun_of(endpoint: Endpoint) -> str:
    """What a route is about: the first word of its path behind the domain's."""
    parts = (endpoint.path or "").strip("/").split("/")
    if parts[0] == "v1":
        parts = parts[2:] if len(parts) > 2 and not parts[2].startswith("{") else parts[1:]
    word = endpoint.domain if parts[0].startswith("{") else parts[0].lstrip(".").partition(".")[0]
    return re.sub(r"(?<=[a-rt-z])s$", "", re.sub(r"ies$", "y", word))


def access_of(endpoint: Endpoint) -> str:
    """The last word of what a route needs: `write` of `pools:write`, `public`, `person`."""
    word = re.split(r"[:.]", endpoint.needs or "public")[-1].lower()
    return "public" if word == "anybody" else word


# --- code ----------------------------------------------------------------------------------------------------------------------------


def write_code(document: Document, groups: Sequence[Group], source: Path, folder: Path) -> Document:
    """Copy the functions' code to where they are deployed from, with the handlers of merged ones; the document leads there.

    source, folder: where the document's paths begin, before and after.
    """
    shutil.rmtree(folder / CODE, ignore_errors=True)
    domains = {f"{camel(path.name)}Logs": path.name for path in FUNCTIONS.iterdir()}
    merged_resources, copied = dict[str, Any](), set[tuple[str, str]]()
    for name, resource in document["Resources"].items():
        merged_resources[name] = resource
        if resource["Type"] == FUNCTION:
            log_group = resource["Properties"].get("LoggingConfig", {}).get("LogGroup", {}).get("Ref", "")
            domain, code = domains.get(log_group), resource["Properties"]["CodeUri"]
            if domain is None:  # not from functions/: its code stays where it is
                merged_resources[name] = resource | {
                    "Properties": resource["Properties"] | {"CodeUri": os.path.relpath(source / code, folder)}
                }
                continue
            merged_resources[name] = resource | {"Properties": resource["Properties"] | {"CodeUri": f"{CODE}/{domain}"}}
            if (code, domain) not in copied:
                ignored = shutil.ignore_patterns("__pycache__", "*.yaml")
                shutil.copytree(source / code, folder / CODE / domain, dirs_exist_ok=True, ignore=ignored)
                copied.add((code, domain))
    for group in groups:
        target = folder / CODE / group.members[0].domain
        (target / f"{group.module}.py").write_text(handler(group, target), encoding="utf-8")
    return document | {"Resources": merged_resources}


def handler(group: Group, folder: Path) -> str:
    """The file of a merged function. What all its routes import, it imports as it starts, when Lambda lends a whole processor."""
    common = sorted(set.intersection(*(set(_imported(folder / f"{member.name}.py")) for member in group.members)))
    lines = [
        f'"""Written by local/merging.py: {group.members[0].needs}, in one function."""',
        "",
        *(f"import {name}" for name in common),
        "from parley.kernel.edge.route_dispatcher import dispatcher",
        "",
        f"lambda_handler = dispatcher(__file__, {json.dumps(group.routes, indent=4)})",
    ]
    return "\n".join(lines) + "\n"


def _imported(handler: Path) -> Iterator[str]:
    """The modules that a handler names where it begins."""
    for node in ast.parse(handler.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            for name in (f"{node.module}.{alias.name}" for alias in node.names):
                if (_SHARED / name.replace(".", "/")).with_suffix(".py").exists():
                    yield name
