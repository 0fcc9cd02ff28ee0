"""`make build`: the stacks that are deployed, made of the one template that people write.

    python -m local.stacks [template.yaml folder]    # by default the built template, beside which the stacks are put

CloudFormation takes 500 resources in a stack. So the functions of each domain become a nested stack, and what they refer to becomes its
parameters. Everything else stays: what holds state, the API with its address, and the few functions that other resources name. The routes
of functions that left stand in the API's OpenAPI definition, where each function has one integration, which the API calls with a role of
its own: a permission would need the API before the functions, and the API needs them first. See docs/decisions/0030.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from local import merging
from local.cloudformation import TemplateProblem, read
from local.emulator import ROOT
from local.problems import end_with
from local.references import STACK_NAME, Outside, conditions_of, mentioned
from local.template import FUNCTION

BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
MERGED = "merged.yaml"  # all of what is deployed as one template: what the stacks are made of, and what tests serve
NAME = "stacks"  # of the root's file, and the beginning of the others'
API_ROLE = "ApiRole"  # of the template: with it the API calls the functions of nested stacks
PATHS = {"AWS::Serverless::LayerVersion": "ContentUri", "AWS::CloudFormation::Stack": "TemplateURL"}
_INTEGRATION = "x-amazon-apigateway-integration"
_CALLED = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-"
_CALL = f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/{_CALLED}"

Document = dict[str, Any]


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # CloudFormation knows none
        return True


def split(document: Document) -> dict[str, Document]:
    """The template of each stack by the name of its file: `stacks.yaml` is the root, `stacks-identity.yaml` what it holds."""
    [api_name] = [name for name, resource in document["Resources"].items() if resource["Type"] == "AWS::Serverless::HttpApi"]
    domains = _domains(document, api_name)
    moved = {name for names in domains.values() for name in names}
    resources = {name: resource for name, resource in document["Resources"].items() if name not in moved}
    made: dict[str, Document] = {}
    for domain, names in domains.items():
        file = f"{NAME}-{domain.lower()}.yaml"
        made[file], resources[f"{domain}Functions"] = _nested(document, domain, file, names)
    functions = {name: document["Resources"][name] for name in sorted(moved)}
    resources[api_name] = _api(document["Resources"][api_name], functions, [f"{domain}Functions" for domain in domains])
    return {f"{NAME}.yaml": _without_idle_conditions(document | {"Resources": resources})} | made


def _without_idle_conditions(document: Document) -> Document:
    used: set[str] = set()
    waiting = set(conditions_of([document["Globals"], document["Resources"], document.get("Outputs", {})]))
    while waiting:
        used |= waiting
        waiting = {name for used_one in waiting for name in conditions_of(document["Conditions"][used_one])} - used
    return document | {"Conditions": {name: condition for name, condition in document["Conditions"].items() if name in used}}


def _domains(document: Document, api: str) -> dict[str, list[str]]:
    """The functions that leave the root, by domain: the one whose logs they write."""
    resources = document["Resources"]
    functions = {name: function for name, function in resources.items() if function["Type"] == FUNCTION}
    domain_of = {
        name: function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"].removesuffix("Logs") for name, function in functions.items()
    }
    stays = {name for name, resource in functions.items() if "Condition" in resource or not _is_routable(resource)}
    stays |= functions.keys() & set(mentioned([function for name, function in resources.items() if name not in functions]))
    stays |= functions.keys() & set(mentioned(document.get("Outputs", {})))
    names = {name: functions.keys() & set(mentioned(function["Properties"])) for name, function in functions.items()}
    before = -1
    while len(stays) > before:
        before = len(stays)
        for name, named in names.items():
            stays |= {other for other in named if name in stays or domain_of[other] != domain_of[name]}
    domains: dict[str, list[str]] = defaultdict(list)
    for name in functions.keys() - stays:
        if api in mentioned({**functions[name]["Properties"], "Events": {}}):
            raise TemplateProblem(f"{name} refers to the API, which is made after it")
        domains[domain_of[name]].append(name)
    return {domain: sorted(names) for domain, names in sorted(domains.items())}


def _routes(function: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [event["Properties"] for event in function["Properties"].get("Events", {}).values() if event["Type"] == "HttpApi"]


def _is_routable(function: Mapping[str, Any]) -> bool:
    """Whether its routes can be written into a definition by hand; the default route has neither method nor path, and stays."""
    return all({"Method", "Path"} <= route.keys() <= {"ApiId", "Method", "Path", "Auth"} for route in _routes(function))


def _nested(document: Document, domain: str, file: str, names: list[str]) -> tuple[Document, Document]:
    """A domain's template, and the resource that makes a stack of it."""
    outside = Outside(document, names)
    waits, resources = set[str](), {}
    for name in names:
        function = document["Resources"][name]
        wanted = function.get("DependsOn", [])
        waits |= set([wanted] if isinstance(wanted, str) else wanted) - set(names)
        events = {key: event for key, event in function["Properties"].get("Events", {}).items() if event["Type"] != "HttpApi"}
        function_properties = {key: value for key, value in function["Properties"].items() if key != "Events"} | (
            {"Events": events} if events else {}
        )
        function_properties["FunctionName"] = {"Fn::Sub": f"${{{STACK_NAME}}}-{name}"}
        resources[name] = {key: value for key, value in function.items() if key != "DependsOn"} | {
            "Properties": outside.rewritten(function_properties)
        }
    shared = outside.rewritten({"Function": document["Globals"]["Function"]})
    template = {
        "AWSTemplateFormatVersion": document["AWSTemplateFormatVersion"],
        "Transform": document["Transform"],
        "Description": f"Parley. The functions of {domain.lower()}, made of template.yaml by local/stacks.py.",
        "Parameters": dict(sorted(outside.parameters.items())),
        "Conditions": outside.conditions,
        "Globals": shared,
        "Resources": resources,
    }
    properties = {"TemplateURL": file, "Parameters": dict(sorted(outside.arguments.items()))}
    return template, {"Type": "AWS::CloudFormation::Stack", **({"DependsOn": sorted(waits)} if waits else {}), "Properties": properties}


def _api(api: Document, functions: Mapping[str, Any], stacks: list[str]) -> Document:
    """The API with the routes of functions in nested stacks; SAM adds those of the others, and the authorizer where nothing is said."""
    paths: dict[str, Any] = defaultdict(dict)
    integrations = {}
    for name, function in functions.items():
        for properties in _routes(function):
            method = properties["Method"].lower()
            route: dict[str, Any] = {"responses": {}, _INTEGRATION: {"$ref": f"#/components/{_INTEGRATION}s/{name}"}}
            if authorizer := properties.get("Auth", {}).get("Authorizer"):
                route["security"] = [{authorizer: []}]  # NONE is SAM's own word for nobody
            paths[properties["Path"]]["x-amazon-apigateway-any-method" if method == "any" else method] = route
            integrations[name] = {
                "type": "aws_proxy",
                "httpMethod": "POST",
                "payloadFormatVersion": "2.0",
                "credentials": {"Fn::GetAtt": [API_ROLE, "Arn"]},
                "uri": {"Fn::Sub": f"{_CALL}{name}/invocations"},
            }
    body = {
        "openapi": "3.0.1",
        "info": {"title": {"Ref": STACK_NAME}, "version": "1.0"},
        "paths": dict(sorted(paths.items())),
        "components": {f"{_INTEGRATION}s": integrations},
    }
    return api | {"DependsOn": stacks, "Properties": api["Properties"] | {"DefinitionBody": body}}


def write(source: Path, folder: Path) -> list[Path]:
    """The stacks of a template, as files in a folder. What the template finds beside itself, they find from there."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{NAME}*.yaml"):
        old.unlink()
    document, groups = merging.merged(read(source))
    document = merging.write_code(document, groups, source.parent, folder)
    for resource in document["Resources"].values():
        key = PATHS.get(resource["Type"])
        if key and "://" not in str(resource["Properties"].get(key, "://")):
            resource["Properties"][key] = os.path.relpath(source.parent / resource["Properties"][key], folder)
    made = {MERGED: document} | split(document)
    for name, template in made.items():
        (folder / name).write_text(yaml.dump(template, Dumper=_Dumper, sort_keys=False, width=140, allow_unicode=True), encoding="utf-8")
    return [folder / name for name in made]


def main() -> None:
    source, folder = (Path(argument).resolve() for argument in sys.argv[1:3] or (BUILT, BUILT.parent))
    for path in write(source, folder):
        print(f"{os.path.relpath(path)}: {len(read(path)['Resources'])} resources before SAM adds roles, rules and mappings")


if __name__ == "__main__":
    end_with(main)
