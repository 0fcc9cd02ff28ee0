"""What a SAM template declares, as the local stack needs it: functions and what calls them, routes, queues, buckets, bus, keys, secrets.

Strings may still hold marks of resources (see `cloudformation`); names of resources are logical ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.cloudformation import Evaluator, TemplateProblem, named, read
from local.timetable import next_time

FUNCTION = "AWS::Serverless::Function"
_PATH = re.compile(r"(/[^/{}]*|/\{[A-Za-z_][A-Za-z0-9_]*\+?\})+")


@dataclass(frozen=True)
class Function:
    name: str
    folder: Path  # of the code: CodeUri
    module: str  # file within the folder, without .py
    attribute: str  # of the module: the handler
    environment: Mapping[str, Any]
    timeout: int  # seconds
    memory: int  # MB


@dataclass(frozen=True)
class Authorizer:
    name: str
    function: str
    headers: tuple[str, ...]  # identity sources, lower case
    ttl: int  # seconds for which an answer is remembered; 0 = never


@dataclass(frozen=True)
class Route:
    method: str  # upper case, or ANY
    path: str  # /v1/things/{thing_id}, or $default
    function: str
    authorizer: str | None


@dataclass(frozen=True)
class Api:
    name: str
    authorizers: Mapping[str, Authorizer]
    cors: Mapping[str, Any]


@dataclass(frozen=True)
class QueueSource:
    """An event source mapping: a queue whose messages call a function."""

    function: str
    queue: str
    batch_size: int
    window: float  # seconds to gather a batch
    partial: bool  # ReportBatchItemFailures
    concurrency: int


@dataclass(frozen=True)
class Schedule:
    name: str
    function: str
    expression: str
    input: str | None


@dataclass(frozen=True)
class Rule:
    name: str
    bus: str | None  # logical id; None = the default bus
    pattern: Mapping[str, Any]
    queues: tuple[str, ...]


@dataclass(frozen=True)
class Resource:
    """A declared resource with its computed properties."""

    name: str
    type: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Template:
    folder: Path
    resources: Mapping[str, Resource]
    functions: Mapping[str, Function]
    api: Api | None
    routes: tuple[Route, ...]
    sources: tuple[QueueSource, ...]
    schedules: tuple[Schedule, ...]
    rules: tuple[Rule, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)
    heads: tuple[Route, ...] = ()
    """Routes of HEAD, each beside the same of GET."""

    def of_type(self, *types: str) -> Iterator[Resource]:
        return (resource for resource in self.resources.values() if resource.type in types)

    @property
    def custom_resources(self) -> list[Resource]:
        """In the order in which they depend on each other."""
        custom = [resource for resource in self.resources.values() if is_custom(resource)]
        names, ordered = {resource.name for resource in custom}, list[Resource]()

        def visit(resource: Resource, path: tuple[str, ...]) -> None:
            if resource.name in path:
                raise TemplateProblem(f"circular dependency of {' -> '.join((*path, resource.name))}")
            for name in self._leads_to(resource, names):
                visit(self.resources[name], (*path, resource.name))
            if resource not in ordered:
                ordered.append(resource)

        for resource in custom:
            visit(resource, ())
        return ordered

    def _leads_to(self, resource: Resource, names: set[str]) -> list[str]:
        """The custom resources that must be there before this one: named by DependsOn, by a property, or by its function's environment."""
        function = self.functions.get(named(resource.properties.get("ServiceToken")) or "")
        environment = function.environment if function else {}
        text = f"{resource.properties} {environment}"
        return [name for name in names - {resource.name} if name in resource.depends_on or f"{{{{@{name}" in text]


def is_custom(resource: Resource) -> bool:
    return resource.type.startswith("Custom::") or resource.type == "AWS::CloudFormation::CustomResource"


def load(path: Path, parameters: Mapping[str, str] | None = None) -> Template:
    """Read a template. Raises TemplateProblem, saying where and why."""
    document = read(path)
    evaluator = Evaluator(document, parameters or {})
    shared = document.get("Globals", {})
    resources = {}
    for name, raw in document["Resources"].items():
        with _problems_of(f"{path.name}, {name}"):
            if "Condition" in raw and not evaluator.condition(raw["Condition"]):
                continue
            properties = _merged(shared, raw["Type"], evaluator.value(raw.get("Properties", {})), evaluator)
            depends_on = raw.get("DependsOn", [])
            names = tuple([depends_on] if isinstance(depends_on, str) else depends_on)
            if missing := set(names) - document["Resources"].keys():
                raise TemplateProblem(f"it depends on {', '.join(sorted(missing))}, which is not there")
            resources[name] = Resource(name, raw["Type"], properties, names)
    with _problems_of(path.name):
        return _template(path.parent.resolve(), resources, parameters or {})


@contextmanager
def _problems_of(name: str) -> Iterator[None]:
    """Says where a value is that has not the form which its reader expects."""
    try:
        yield
    except TemplateProblem as problem:
        raise TemplateProblem(f"{name}: {problem}") from problem
    except (TypeError, ValueError, LookupError, AttributeError) as problem:
        raise TemplateProblem(f"{name}: a value has another form than it should ({problem!r})") from problem


def _merged(shared: Mapping[str, Any], kind: str, properties: dict[str, Any], evaluator: Evaluator) -> dict[str, Any]:
    """Globals below the resource's own properties: maps are merged, lists are joined, the rest is replaced (as SAM does it)."""
    section = shared.get({FUNCTION: "Function", "AWS::Serverless::HttpApi": "HttpApi"}.get(kind, ""), {})
    merged: dict[str, Any] = _over(evaluator.value(section), properties)
    return merged


def _over(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return {key: _over(below[key], above[key]) if key in below and key in above else (below | above)[key] for key in below | above}
    if isinstance(below, list) and isinstance(above, list):
        return below + above
    return above


def _template(folder: Path, resources: Mapping[str, Resource], parameters: Mapping[str, str]) -> Template:
    functions: dict[str, Function] = {}
    routes: list[Route] = []
    heads: list[Route] = []
    sources: list[QueueSource] = []
    schedules: list[Schedule] = []
    apis = [resource for resource in resources.values() if resource.type == "AWS::Serverless::HttpApi"]
    api = None
    if apis:
        with _problems_of(apis[0].name):
            api = _api(apis[0], resources)
    default = apis[0].properties.get("Auth", {}).get("DefaultAuthorizer") if apis else None
    for resource in resources.values():
        if resource.type != FUNCTION:
            continue
        with _problems_of(resource.name):
            functions[resource.name] = _function(folder, resource)
            events = resource.properties.get("Events", {}).items()
        for event_name, event in events:
            with _problems_of(f"{resource.name}, event {event_name}"):
                kind, properties = event["Type"], event.get("Properties", {})
                if kind == "HttpApi":
                    route = _route(resource.name, properties, api, default)
                    (heads if route.method == "HEAD" else routes).append(route)
                elif kind == "SQS":
                    sources.append(_source(resource.name, properties, resources))
                elif kind in {"Schedule", "ScheduleV2"}:
                    if properties.get("Enabled", True) is not False and properties.get("State", "ENABLED") == "ENABLED":
                        expression = properties.get("Schedule") or properties["ScheduleExpression"]
                        next_time(expression, datetime.now(UTC))
                        schedules.append(Schedule(resource.name + event_name, resource.name, expression, properties.get("Input")))
                else:
                    raise TemplateProblem(f"{kind} is not offered by the local stack")
    _expect_one_answer((*routes, *heads))
    rules = []
    for resource in resources.values():
        if resource.type == "AWS::Events::Rule":
            with _problems_of(resource.name):
                rules.append(_rule(resource))
    return Template(
        folder, resources, functions, api, tuple(routes), tuple(sources), tuple(schedules), tuple(rules), parameters, tuple(heads)
    )


def _route(function: str, text: Mapping[str, Any], api: Api | None, default: str | None) -> Route:
    method = str(text.get("Method", "ANY")).upper().replace("*", "ANY").replace("$DEFAULT", "ANY")
    path, authorizer = text.get("Path", "$default"), text.get("Auth", {}).get("Authorizer", default)
    names = re.findall(r"\{([^}+]*)", path)
    if path != "$default" and (not _PATH.fullmatch(path) or len(names) > len(set(names))):
        raise TemplateProblem(f"the path {path} is none: /a/{{name}}/{{rest+}}, each name once, of letters, digits and _")
    if authorizer in {None, "NONE"}:
        return Route(method, path, function, None)
    if api is None or authorizer not in api.authorizers:
        raise TemplateProblem(f"there is no authorizer {authorizer}")
    return Route(method, path, function, authorizer)


def _expect_one_answer(routes: Iterable[Route]) -> None:
    functions: dict[tuple[str, str], str] = {}
    for route in routes:
        other = functions.setdefault((route.method, re.sub(r"\{[^}+]*", "{", route.path)), route.function)
        if other != route.function:
            raise TemplateProblem(f"{route.method} {route.path} is answered by both {other} and {route.function}")


def _number(value: Mapping[str, Any], name: str, default: int, lowest: int = 1) -> int:
    text = str(value.get(name, default))
    if not text.isdecimal() or int(text) < lowest:
        raise TemplateProblem(f"{name} is {text}, and must be a number, {lowest} or more")
    return int(text)


def _function(folder: Path, resource: Resource) -> Function:
    properties = resource.properties
    for needed in ("CodeUri", "Handler"):
        if not isinstance(properties.get(needed), str):
            raise TemplateProblem(f"{needed} is missing")
    module, _, attribute = properties["Handler"].rpartition(".")
    if not module or not attribute:
        raise TemplateProblem(f"the Handler {properties['Handler']} names no function of a file: file.function")
    code = (folder / properties["CodeUri"]).resolve()
    environment = properties.get("Environment", {}).get("Variables", {})
    if not isinstance(environment, dict):
        raise TemplateProblem("the Variables of its Environment must be a map of names")
    return Function(
        resource.name, code, module, attribute, environment, _number(properties, "Timeout", 3), _number(properties, "MemorySize", 128)
    )


def _api(resource: Resource, resources: Mapping[str, Resource]) -> Api:
    authorizers = {}
    for name, definition in resource.properties.get("Auth", {}).get("Authorizers", {}).items():
        function = named(definition.get("FunctionArn"))
        if (
            function is None
            or str(definition.get("AuthorizerPayloadFormatVersion")) != "2.0"
            or not definition.get("EnableSimpleResponses")
        ):
            offered = "the local stack offers function authorizers of format 2.0 with simple responses"
            raise TemplateProblem(f"authorizer {name}: {offered}")
        if function not in resources or resources[function].type != FUNCTION:
            raise TemplateProblem(f"authorizer {name}: {function} is no function of this template")
        identity = definition.get("Identity", {})
        headers = tuple(header.lower() for header in identity.get("Headers", []))
        authorizers[name] = Authorizer(name, function, headers, int(identity.get("ReauthorizeEvery", 300 if headers else 0)))
    cors = resource.properties.get("CorsConfiguration", {})
    return Api(resource.name, authorizers, {"AllowOrigins": ["*"]} if cors is True else cors or {})


def _source(function: str, properties: Mapping[str, Any], resources: Mapping[str, Resource]) -> QueueSource:
    queue = named(properties.get("Queue"))
    if queue is None or (queue in resources and resources[queue].type != "AWS::SQS::Queue"):  # a parameter may bring another stack's
        raise TemplateProblem("an SQS event must name a queue of this template")
    return QueueSource(
        function,
        queue,
        _number(properties, "BatchSize", 10),
        float(properties.get("MaximumBatchingWindowInSeconds", 0)),
        "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
        _number(properties.get("ScalingConfig", {}), "MaximumConcurrency", 1000, lowest=2),
    )


def _rule(resource: Resource) -> Rule:
    properties = resource.properties
    targets = properties.get("Targets", [])
    queues = tuple(queue for target in targets if (queue := named(target.get("Arn"))))
    if len(queues) != len(targets):
        raise TemplateProblem("the local stack delivers events to queues of the template only")
    return Rule(resource.name, named(properties.get("EventBusName")), properties["EventPattern"], queues)
