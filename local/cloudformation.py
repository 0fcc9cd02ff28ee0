"""CloudFormation's language: YAML with its tags, parameters, conditions and intrinsic functions.

What depends on a created resource can't be known while reading: `!Ref Queue` and `!GetAtt Queue.Arn` become the marks `{{@Queue}}` and
`{{@Queue.Arn}}` inside ordinary strings, and `resolve` fills them in once the resources exist.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from local.problems import Problem

REGION = "eu-central-1"
ACCOUNT = "123456789012"
STACK = "parley-local"

MARK = re.compile(r"\{\{@([A-Za-z0-9]+)((?:\.[A-Za-z0-9.]+)?)\}\}")
SECRET = re.compile(r"\{\{resolve:(secretsmanager|ssm|ssm-secure):([^{}]+)\}\}")
SUBSTITUTION = re.compile(r"\$\{(!?)([^}]*)\}")


class TemplateProblem(Problem):
    """The template says something that can't be read, or that the local stack does not offer."""


class NoValue:
    """`AWS::NoValue`: the property or item is left out."""


NO_VALUE = NoValue()


if TYPE_CHECKING:
    from yaml import SafeLoader as Fastest
else:
    Fastest = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C, where it is there


class _Loader(Fastest):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """YAML's own reader lets the last of two equal keys win: half of a template would be gone, and nobody told."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        if twice := next((key for number, key in enumerate(keys) if key in keys[:number]), None):
            raise yaml.constructor.ConstructorError(None, None, f"{twice} is there twice", node.start_mark)
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made


def _tagged(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if name == "Fn::GetAtt":
            value = str(value).split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]  # the third kind of node is a mapping
    return {name: value}


_Loader.add_multi_constructor("!", _tagged)
# A policy's Version: 2012-10-17 is a text, not a date.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path) -> dict[str, Any]:
    """The template as plain values, intrinsic functions in their long form."""
    document = parse(path)
    if not isinstance(document, dict) or "Resources" not in document:
        raise TemplateProblem(f"{path}: no Resources, so this is not a template")
    for section in _SECTIONS & document.keys():
        if not isinstance(document[section], dict):
            raise TemplateProblem(f"{path}: {section} must be a map of names")
    for name, resource in document["Resources"].items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise TemplateProblem(f"{path}: the resource {name} has no Type")
        if not isinstance(resource.get("Properties", {}), dict):
            raise TemplateProblem(f"{path}: the Properties of {name} must be a map")
    return document


def parse(path: Path) -> Any:
    """A file in the template's language, whatever it holds."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as problem:
        raise TemplateProblem(f"{path}: {problem}") from problem


_SECTIONS = {"Resources", "Parameters", "Mappings", "Conditions", "Globals"}
_OF_A_LIST = {"Fn::Join", "Fn::Select", "Fn::Split", "Fn::If", "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or", "Fn::FindInMap", "Fn::Cidr"}
_METHODS = {
    "Ref": "ref",
    "Condition": "condition",
    "Fn::GetAtt": "attribute",
    "Fn::Sub": "substitute",
    "Fn::Join": "join",
    "Fn::Select": "select",
    "Fn::Split": "split",
    "Fn::If": "choose",
    "Fn::Equals": "equals",
    "Fn::Not": "negate",
    "Fn::And": "every",
    "Fn::Or": "some",
    "Fn::FindInMap": "find_in_map",
    "Fn::GetAZs": "zones",
    "Fn::Cidr": "networks",
    "Fn::ImportValue": "imported",
    "Fn::Base64": "base64",
    "Fn::ToJsonString": "json",
}


class Evaluator:
    """Computes every value of a document for one set of parameters."""

    def __init__(self, document: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        self._mappings: Mapping[str, Any] = document.get("Mappings", {})
        self._conditions: Mapping[str, Any] = document.get("Conditions", {})
        self._decided: dict[str, bool | None] = {}  # None while it is being decided
        self._resources = frozenset(document["Resources"])
        self._values: dict[str, Any] = {
            "AWS::Region": REGION,
            "AWS::AccountId": ACCOUNT,
            "AWS::StackName": STACK,
            "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/local",
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NotificationARNs": [],
            "AWS::NoValue": NO_VALUE,
        }
        declared = document.get("Parameters", {})
        for name, declaration in declared.items():
            if not isinstance(declaration, dict):
                raise TemplateProblem(f"the parameter {name} has no Type")
            value = parameters.get(name, declaration.get("Default", ""))
            is_list = str(declaration.get("Type", "String")).startswith(("CommaDelimitedList", "List<"))
            self._values[name] = [part.strip() for part in str(value).split(",") if part.strip()] if is_list else str(value)
        unknown = sorted(set(parameters) - set(declared))
        if unknown:
            raise TemplateProblem(f"the template has no parameter {', '.join(unknown)}")

    def condition(self, name: str) -> bool:
        if name not in self._decided:
            if name not in self._conditions:
                raise TemplateProblem(f"there is no condition {name}")
            self._decided[name] = None
            self._decided[name] = bool(self.value(self._conditions[name]))
        decided = self._decided[name]
        if decided is None:
            raise TemplateProblem(f"the condition {name} asks itself")
        return decided

    def value(self, node: Any) -> Any:
        """The node with every intrinsic function computed; `NO_VALUE` only at the very top."""
        if isinstance(node, dict):
            if len(node) == 1:
                name, argument = next(iter(node.items()))
                if name in _METHODS:
                    return self._computed(name, argument)
                if name.startswith("Fn::"):
                    raise TemplateProblem(f"{name} is not understood by the local stack")
            computed = {key: self.value(item) for key, item in node.items()}
            return {key: item for key, item in computed.items() if item is not NO_VALUE}
        if isinstance(node, list):
            return [item for item in map(self.value, node) if item is not NO_VALUE]
        return node

    def _computed(self, name: str, argument: Any) -> Any:
        try:
            if name in _OF_A_LIST and not isinstance(argument, list):
                raise TypeError(name)
            return getattr(self, _METHODS[name])(argument)
        except (TypeError, ValueError, LookupError, AttributeError) as problem:
            raise TemplateProblem(f"{name} can't be computed of {argument!r}") from problem

    def ref(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if name.split(".", 1)[0] in self._resources:
            return f"{{{{@{name}}}}}"
        raise TemplateProblem(f"there is no parameter or resource {name}")

    def attribute(self, argument: Any) -> str:
        path = argument.split(".", 1) if isinstance(argument, str) else [str(self.value(part)) for part in argument]
        if path[0] not in self._resources:
            raise TemplateProblem(f"there is no resource {path[0]}")
        if len(path) < 2:
            raise TemplateProblem(f"Fn::GetAtt of {path[0]} names no attribute")
        return f"{{{{@{'.'.join(path)}}}}}"

    def substitute(self, argument: Any) -> str:
        text, names = (argument, {}) if isinstance(argument, str) else (argument[0], self.value(argument[1]))

        def replace(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            name = name.strip()
            if name in names:
                return str(names[name])
            return str(self.attribute(name) if "." in name else self.ref(name))

        return SUBSTITUTION.sub(replace, text)

    def join(self, argument: Any) -> str:
        separator, parts = argument
        return str(separator).join(str(part) for part in self.value(parts))

    def select(self, argument: Any) -> Any:
        index, parts = int(self.value(argument[0])), self.value(argument[1])
        if not 0 <= index < len(parts):
            raise TemplateProblem(f"Fn::Select of item {index} from {parts!r}")
        return parts[index]

    def split(self, argument: Any) -> list[str]:
        return str(self.value(argument[1])).split(argument[0])

    def choose(self, argument: Any) -> Any:
        return self.value(argument[1] if self.condition(argument[0]) else argument[2])

    def equals(self, argument: Any) -> bool:
        left, right = self.value(argument)
        return str(left) == str(right)

    def find_in_map(self, argument: Any) -> Any:
        value: Any = self._mappings
        for key in (self.value(part) for part in argument[:3]):
            if key not in value:
                raise TemplateProblem(f"Fn::FindInMap: nothing at {argument}")
            value = value[key]
        return self.value(value)

    def zones(self, argument: Any) -> list[str]:
        return [f"{self.value(argument) or REGION}{letter}" for letter in "abc"]

    def networks(self, argument: Any) -> list[str]:
        return [f"10.0.{index}.0/24" for index in range(int(self.value(argument[1])))]

    def negate(self, argument: Any) -> bool:
        return not self.value(argument[0])

    def every(self, argument: Any) -> bool:
        return all(self.value(part) for part in argument)

    def some(self, argument: Any) -> bool:
        return any(self.value(part) for part in argument)

    def imported(self, argument: Any) -> str:
        return f"import:{self.value(argument)}"

    def base64(self, argument: Any) -> str:
        return base64.b64encode(str(self.value(argument)).encode()).decode()

    def json(self, argument: Any) -> str:
        return json.dumps(self.value(argument))


def named(value: Any) -> str | None:
    """The logical id that a value refers to, if it refers to exactly one resource."""
    match = MARK.fullmatch(value) if isinstance(value, str) else None
    return match.group(1) if match else None


def unresolved(value: str) -> bool:
    return bool(MARK.search(value) or SECRET.search(value))


def resolve(value: Any, attributes: Mapping[str, Any], secret: Callable[[str], str] | None = None) -> Any:
    """Fill in the marks of created resources and the dynamic references.

    attributes: "Queue" (what Ref gives) and "Queue.Arn" to their values; an unknown mark stays, see `unresolved`.
    secret: answers the part of `{{resolve:secretsmanager:...}}` after the service's name.
    """
    if isinstance(value, dict):
        return {key: resolve(item, attributes, secret) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, attributes, secret) for item in value]
    if not isinstance(value, str):
        return value
    whole = MARK.fullmatch(value)
    if whole and whole.group(1) + whole.group(2) in attributes:
        return attributes[whole.group(1) + whole.group(2)]
    text = MARK.sub(lambda match: str(attributes.get(match.group(1) + match.group(2), match.group(0))), value)
    if secret is not None:
        text = SECRET.sub(lambda match: secret(match.group(2)), text)
    return text
