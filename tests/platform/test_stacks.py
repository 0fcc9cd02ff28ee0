"""The stacks that are deployed say what template.yaml says, and each has room below CloudFormation's limits."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from local.cloudformation import Evaluator, read
from local.stacks import MERGED, NAME, PATHS, write
from local.template import FUNCTION, Resource, Template, load

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "template.yaml"

# Of CloudFormation, API Gateway and Lambda; none of these can be raised.
RESOURCES, PARAMETERS, BYTES, INTEGRATIONS, NAME_LENGTH = 500, 200, 1_000_000, 300, 64
STACK_LENGTH = 28  # docs/sam.md
ROOM = 0.8  # of a limit; then it is time to split in another way, not when a deployment fails

DEPLOYMENTS = {
    "its own database": {"MailDomain": "parley.example", "PublicUrl": "https://api.parley.example"},
    "a database that is there": {
        "DatabaseSecret": "parley/database",
        "DatabaseResourceId": "prx-1",
        "SubnetIds": "subnet-1,subnet-2",
        "SecurityGroupIds": "sg-1",
        "DomainName": "api.parley.example",
        "OAuthSecret": "parley/oauth",
        "WebOrigins": "https://one.example,https://two.example",
    },
    "a database without a network": {"DatabaseSecret": "parley/database", "Architecture": "x86_64"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stacks")
    write(SOURCE, folder)
    return folder


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def parameters(request: pytest.FixtureRequest) -> dict[str, str]:
    return DEPLOYMENTS[request.param]


class Deployed:
    """The root stack, and the nested ones with the parameters that the root gives them."""

    def __init__(self, folder: Path, parameters: dict[str, str]) -> None:
        self.path = folder / f"{NAME}.yaml"
        self.root = load(self.path, parameters)
        stacks = [
            resource for resource in self.root.of_type("AWS::CloudFormation::Stack") if resource.properties["TemplateURL"].startswith(NAME)
        ]
        self.nested: dict[str, Resource] = {resource.properties["TemplateURL"]: resource for resource in stacks}
        self.templates: dict[str, Template] = {
            file: load(folder / file, self.evaluated(resource.properties["Parameters"], parameters))
            for file, resource in self.nested.items()
        }

    def evaluated(self, expressions: dict[str, Any], parameters: dict[str, str]) -> dict[str, str]:
        made: dict[str, str] = Evaluator(read(self.path), parameters).value(expressions)
        return made

    @property
    def all(self) -> list[Template]:
        return [self.root, *self.templates.values()]


@pytest.fixture(scope="module")
def deployed(folder: Path, parameters: dict[str, str]) -> Deployed:
    return Deployed(folder, parameters)


@pytest.fixture(scope="module")
def written(folder: Path, parameters: dict[str, str]) -> Template:
    """What the stacks are made of; `test_merging` compares it with template.yaml."""
    return load(folder / MERGED, parameters)


def said_of(function: Resource) -> dict[str, Any]:
    left_out = {"FunctionName", "Events"}
    return {key: value for key, value in function.properties.items() if key not in left_out}


def beyond_paths(resource: Resource) -> dict[str, Any]:
    """Where files lie is said from another folder."""
    return {key: value for key, value in resource.properties.items() if key not in PATHS.values()}


def test_each_function_is_deployed_once_and_as_it_is_written(deployed: Deployed, written: Template) -> None:
    functions = [(function, template) for template in deployed.all for function in template.of_type(FUNCTION)]
    assert sorted(function.name for function, _ in functions) == sorted(written.functions)
    for function, template in functions:
        assert said_of(function) == said_of(written.resources[function.name]), function.name
        assert template.functions[function.name] == written.functions[function.name]


def test_whatever_is_no_function_stays_in_the_root(deployed: Deployed, written: Template) -> None:
    others = {name for name, resource in written.resources.items() if resource.type != FUNCTION}
    root_names = {name for name, resource in deployed.root.resources.items() if resource.type != FUNCTION}
    assert root_names == others | {resource.name for resource in deployed.nested.values()}
    changed = {name for name in others if beyond_paths(deployed.root.resources[name]) != beyond_paths(written.resources[name])}
    assert changed == {"Api"}, "and only with its definition of routes"


def test_queues_and_schedules_call_the_same_functions(deployed: Deployed, written: Template) -> None:
    assert {source for template in deployed.all for source in template.sources} == set(written.sources)
    assert {schedule for template in deployed.all for schedule in template.schedules} == set(written.schedules)


def test_routes_lead_to_the_same_functions_past_the_same_authorizer(deployed: Deployed, written: Template) -> None:
    body = deployed.root.resources["Api"].properties["DefinitionBody"]
    integrations = body["components"]["x-amazon-apigateway-integrations"]
    routes = {(route.method, route.path, route.function, route.authorizer) for route in (*deployed.root.routes, *deployed.root.heads)}
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            function = operation["x-amazon-apigateway-integration"]["$ref"].rpartition("/")[2]
            assert integrations[function]["uri"].endswith(f":function:parley-local-{function}/invocations")
            assert integrations[function]["credentials"] == "{{@ApiRole.Arn}}"
            [authorizer] = operation["security"][0] if "security" in operation else ["Caller"]
            verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
            routes.add((verb, path, function, None if authorizer == "NONE" else authorizer))
    assert routes == {(route.method, route.path, route.function, route.authorizer) for route in (*written.routes, *written.heads)}


def test_functions_that_the_api_calls_have_the_names_by_which_it_calls_them(deployed: Deployed) -> None:
    for template in deployed.templates.values():
        for function in template.of_type(FUNCTION):
            assert function.properties["FunctionName"] == f"parley-local-{function.name}"
            assert not [event for event in function.properties.get("Events", {}).values() if event["Type"] == "HttpApi"]
    # Before the API leads to them, they are there.
    assert set(deployed.root.resources["Api"].depends_on) == {stack.name for stack in deployed.nested.values()}


def test_a_stack_waits_for_what_its_functions_wait_for(deployed: Deployed, written: Template) -> None:
    for file, stack in deployed.nested.items():
        waits = {name for function in deployed.templates[file].functions for name in written.resources[function].depends_on}
        assert waits <= set(stack.depends_on)
        assert "Migrations" in stack.depends_on or not waits


def test_nothing_that_holds_state_can_move_with_a_function(deployed: Deployed) -> None:
    assert {resource.type for template in deployed.templates.values() for resource in template.resources.values()} == {FUNCTION}


def test_a_nested_stack_is_given_what_it_asks_for_and_no_secret(deployed: Deployed, folder: Path) -> None:
    for file, stack in deployed.nested.items():
        assert stack.properties["Parameters"].keys() == read(folder / file)["Parameters"].keys()
        # A parameter's value can be read by whoever may look at the stack; a dynamic reference would be resolved before it is passed.
        assert not [value for value in stack.properties["Parameters"].values() if "resolve:" in str(value)]
        assert "AWS::StackName" not in (folder / file).read_text(), "in a nested stack that is another name"


# --- room --------------------------------------------------------------------------------------------------------------------------------


def made_of(template: Template) -> int:
    """The resources that CloudFormation is given, after SAM."""
    made = 0
    for resource in template.resources.values():
        if resource.type == FUNCTION:
            made += 1 if "Role" in resource.properties else 2  # and a role of its own
            for event in resource.properties.get("Events", {}).values():
                made += 2 if event["Type"] == "Schedule" else 1  # a rule and its permission; a permission; a mapping
        elif resource.type == "AWS::Serverless::HttpApi":
            made += 3  # stage, authorizer's permission
        else:
            made += 1
    return made


def test_every_stack_has_room_below_the_limits_of_cloudformation(deployed: Deployed, folder: Path) -> None:
    sizes = {"the root": made_of(deployed.root)} | {file: made_of(template) for file, template in deployed.templates.items()}
    assert max(sizes.values()) <= ROOM * RESOURCES, sizes
    for path in folder.glob("*.yaml"):
        document = read(path)
        assert len(document.get("Parameters", {})) <= ROOM * PARAMETERS, path.name
        assert len(document.get("Outputs", {})) <= ROOM * PARAMETERS, path.name
        assert path.stat().st_size <= ROOM * BYTES, path.name


def test_the_api_has_room_for_integrations(written: Template) -> None:
    assert len({route.function for route in written.routes}) <= ROOM * INTEGRATIONS


def test_names_of_functions_leave_28_letters_to_the_stack(written: Template) -> None:
    assert max(len(f"-{function}") for function in written.functions) <= NAME_LENGTH - STACK_LENGTH
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    deployed = [
        environment["deploy"]["parameters"] for environment in config.values() if isinstance(environment, dict) and "deploy" in environment
    ]
    assert len(deployed) == 2
    for deployment in deployed:
        assert len(deployment["stack_name"]) <= STACK_LENGTH
        assert deployment["template_file"] == f".aws-sam/build/{NAME}.yaml"
