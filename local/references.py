"""What a part of a template refers to outside of itself, turned into parameters that a nested stack is given."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from local.cloudformation import SUBSTITUTION, TemplateProblem

# What a nested stack knows by itself and alike. The name of its parent it has to be told.
ALIKE = {"AWS::Region", "AWS::AccountId", "AWS::Partition", "AWS::URLSuffix", "AWS::NoValue"}
STACK_NAME = "AWS::StackName"
_LISTS = ("CommaDelimitedList", "List<")
_NOT_PASSED = ("Fn::FindInMap", "Fn::Transform")
_WORDS = {"Ref": "_reference", "Fn::GetAtt": "_attribute_of", "Fn::Sub": "_substitution", "Fn::If": "_choice", "Condition": "_decided"}


class Outside:
    """`rewritten` says a part of the document in words that hold in a template of its own, which needs `parameters` and `conditions`;
    who makes a stack of it passes the `arguments`, which are in the document's words. Raises TemplateProblem for what can't be passed.
    """

    def __init__(self, document: Mapping[str, Any], inside: Collection[str]) -> None:
        self.parameters: dict[str, Any] = {}
        self.arguments: dict[str, Any] = {}
        self.conditions: dict[str, Any] = {}
        self._document = document
        self._inside = inside

    def rewritten(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.rewritten(item) for item in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            name, argument = next(iter(node.items()))
            if name in _WORDS and (name != "Condition" or isinstance(argument, str)):  # policies have conditions of another kind
                made: Any = getattr(self, _WORDS[name])(argument)
                return made
            if name in _NOT_PASSED:
                raise TemplateProblem(f"{name} of a function can't be passed to a nested stack")
        return {key: self.rewritten(item) for key, item in node.items()}

    def _reference(self, name: str) -> Any:
        return {"Ref": self._named(name)}

    def _attribute_of(self, argument: Any) -> Any:
        resource, attribute = split_attribute(argument)
        return {"Fn::GetAtt": [resource, attribute]} if resource in self._inside else {"Ref": self._attribute(resource, attribute)}

    def _choice(self, argument: Any) -> Any:
        return {"Fn::If": [self._condition(argument[0]), *self.rewritten(argument[1:])]}

    def _decided(self, name: str) -> Any:
        return {"Condition": self._condition(name)}

    def _substitution(self, argument: Any) -> Any:
        text, names = (argument, {}) if isinstance(argument, str) else argument

        def replace(match: re.Match[str]) -> str:
            is_literal, name = match.groups()
            name = name.strip()
            if is_literal or name in names:
                return match.group(0)
            resource, _, attribute = name.partition(".")
            if attribute:
                return match.group(0) if resource in self._inside else f"${{{self._attribute(resource, attribute)}}}"
            return f"${{{self._named(name)}}}"

        made = SUBSTITUTION.sub(replace, text)
        return {"Fn::Sub": [made, self.rewritten(names)] if names else made}

    def _named(self, name: str) -> str:
        """The name under which the part finds what it calls `name`."""
        if name in ALIKE or name in self._inside:
            return name
        if name == STACK_NAME:
            return self._passed("StackName", "String", {"Ref": STACK_NAME})
        declared = self._document.get("Parameters", {}).get(name)
        if declared is None:
            return self._passed(name, "String", self._there(name, {"Ref": name}))
        is_list = declared["Type"].startswith(_LISTS)
        return self._passed(name, declared["Type"], {"Fn::Join": [",", {"Ref": name}]} if is_list else {"Ref": name})

    def _attribute(self, resource: str, attribute: str) -> str:
        name = resource + attribute.replace(".", "")
        return self._passed(name, "String", self._there(resource, {"Fn::GetAtt": [resource, attribute]}))

    def _there(self, name: str, value: Any) -> Any:
        """The value of a resource; empty where its condition makes none."""
        resource = self._document["Resources"].get(name)
        if resource is None:
            raise TemplateProblem(f"there is no parameter or resource {name}")
        return {"Fn::If": [resource["Condition"], value, ""]} if "Condition" in resource else value

    def _passed(self, name: str, kind: str, value: Any) -> str:
        if self.arguments.setdefault(name, value) != value:
            raise TemplateProblem(f"two different things would be the parameter {name} of a nested stack")
        self.parameters[name] = {"Type": kind}
        return name

    def _condition(self, name: str) -> str:
        if name not in self.conditions:
            self.conditions[name] = self.rewritten(self._document["Conditions"][name])
        return name


def split_attribute(argument: Any) -> tuple[str, str]:
    resource, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    return resource, attribute


def mentioned(node: Any) -> Iterator[str]:
    """The names that a part of a template refers to: of parameters and resources."""
    if isinstance(node, list):
        for item in node:
            yield from mentioned(item)
    elif isinstance(node, dict):
        for key, item in node.items():
            if key == "Ref" and isinstance(item, str):
                yield item
            elif key == "Fn::GetAtt":
                yield split_attribute(item)[0]
            elif key == "Fn::Sub":
                text, names = (item, {}) if isinstance(item, str) else item
                yield from (name.strip().split(".")[0] for is_literal, name in SUBSTITUTION.findall(text) if not is_literal)
                yield from mentioned(names)
            else:
                yield from mentioned(item)


def conditions_of(node: Any) -> Iterator[str]:
    """The names of the conditions that a part of a template asks."""
    if isinstance(node, list):
        for item in node:
            yield from conditions_of(item)
    elif isinstance(node, dict):
        for key, item in node.items():
            if key == "Condition" and isinstance(item, str):
                yield item
            elif key == "Fn::If":
                yield item[0]
                yield from conditions_of(item[1:])
            else:
                yield from conditions_of(item)
