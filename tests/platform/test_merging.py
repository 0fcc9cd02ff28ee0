"""What is deployed as one function does what its files do one by one, may what each of them may, and costs a cold start no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloudformation import read
from local.endpoints import endpoints
from local.gateway import Gateway
from local.handlers import in_process
from local.merging import Group, merged
from local.stacks import MERGED, write
from local.template import FUNCTION, Template, load
from tests.harness import Answer, Client, World
from tests.platform.test_permissions import answer_of

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "template.yaml"
DOCUMENT = read(SOURCE)
GROUPS: list[Group] = merged(DOCUMENT)[1]
ENDPOINTS = {endpoint.function: endpoint for endpoint in endpoints()}
INTEGRATIONS = 300  # of an HTTP API; can't be raised
ROOM = 0.8

# In a fresh interpreter: a handler, the names of modules when it has the route's, and a request that it refuses for its missing caller.
COLD = """
import json, runpy, sys
sys.path.insert(0, sys.argv[1].rpartition("/")[0])
handler = runpy.run_path(sys.argv[1])["lambda_handler"]
answer = handler(json.loads(sys.argv[2]), None)
OWN = "functions.", "parley.kernel.edge.route_dispatcher"
print(answer["statusCode"], *sorted(name for name in sys.modules if not name.startswith(OWN)))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("merged")
    write(SOURCE, folder)
    return folder


@pytest.fixture(scope="module")
def deployed(folder: Path) -> Template:
    return load(folder / MERGED)


def of_function(resource: dict[str, Any]) -> dict[str, Any]:
    """What a function is and may, without where its code lies and what calls it."""
    left_out = {"CodeUri", "Handler", "Events"}
    return resource | {"Properties": {key: value for key, value in resource["Properties"].items() if key not in left_out}}


def members_of(function: str) -> list[str]:
    group = next((group for group in GROUPS if group.function == function), None)
    return [member.function for member in group.members] if group else [function]


def test_each_function_is_deployed_once_with_what_it_has_one_by_one(folder: Path) -> None:
    made = read(folder / MERGED)["Resources"]
    functions = {name: resource for name, resource in made.items() if resource["Type"] == FUNCTION}
    deployed = [(member, name) for name in functions for member in members_of(name)]
    assert sorted(member for member, _ in deployed) == sorted(ENDPOINTS)
    for member, name in deployed:
        assert of_function(functions[name]) == of_function(DOCUMENT["Resources"][member]), (member, name)


def test_what_sam_has_built_is_merged_like_what_was_written() -> None:
    def built(name: str, resource: dict[str, Any]) -> dict[str, Any]:
        if resource["Type"] != FUNCTION:
            return resource
        return resource | {"Properties": resource["Properties"] | {"CodeUri": name}, "Metadata": {"SamResourceId": name}}

    resources = {name: built(name, resource) for name, resource in DOCUMENT["Resources"].items()}
    made, groups = merged(DOCUMENT | {"Resources": resources})
    assert groups == GROUPS
    assert not [group for group in groups if "SamResourceId" in made["Resources"][group.function].get("Metadata", {})]


def test_routes_are_the_same_and_lead_to_the_files_that_answer_them(deployed: Template) -> None:
    written = load(SOURCE)
    assert {(route.method, route.path, route.authorizer) for route in deployed.routes} == {
        (route.method, route.path, route.authorizer) for route in written.routes
    }
    for group in GROUPS:
        assert group.routes == {f"{member.method} {member.path}": member.name for member in group.members}
        answered = {f"{route.method} {route.path}" for route in deployed.routes if route.function == group.function}
        assert answered == group.routes.keys()


def test_what_shares_a_function_shares_domain_and_scope() -> None:
    for group in GROUPS:
        assert len(group.members) > 1
        assert len({(member.domain, member.needs) for member in group.members}) == 1
    names = [group.function for group in GROUPS]
    assert len(names) == len(set(names)) and max(map(len, names)) <= 35


def test_hot_paths_and_events_stay_alone(deployed: Template) -> None:
    alone = {name for name, endpoint in ENDPOINTS.items() if endpoint.differences.get("alone") or endpoint.queue or endpoint.schedule}
    assert {"SchedulingListSlots", "SchedulingCreateBooking", "InboxReceiveWebhook", "IdentityAuthorize"} <= alone | {"IdentityAuthorize"}
    assert alone | {"IdentityAuthorize", "PlatformMigrate", "PlatformRefuseRoute", "ScimServeResources"} <= deployed.functions.keys()


def test_a_route_that_comes_or_goes_makes_another_function() -> None:
    # In place, it would answer with its new routes while the API still sends it the old ones.
    group = next(group for group in GROUPS if len(group.members) > 2)
    assert Group(group.members[1:]).function != group.function
    assert Group(tuple(reversed(group.members))).function == group.function


def test_the_api_has_room_for_integrations(deployed: Template) -> None:
    assert len({route.function for route in deployed.routes}) <= ROOM * INTEGRATIONS


def event_of(route: str) -> dict[str, Any]:
    method, path = route.split()
    http = {"method": method, "path": path, "sourceIp": "192.0.2.1"}
    event = {"version": "2.0", "routeKey": route, "rawPath": path, "rawQueryString": "", "headers": {"content-type": "text/x-of-no-route"}}
    return event | {"requestContext": {"requestId": "1", "http": http, "routeKey": route}, "body": "x", "isBase64Encoded": False}


def loaded_by(handler: Path, route: str) -> list[str]:
    surroundings = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "shared"), "AWS_DEFAULT_REGION": "eu-central-1"}
    surroundings |= {"POWERTOOLS_METRICS_DISABLED": "true", "POWERTOOLS_LOG_LEVEL": "CRITICAL", "PEPPER": "x" * 64}
    command = [sys.executable, "-c", COLD, str(handler), json.dumps(event_of(route))]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(("domain", "name"), [("scheduling", "delete_pool"), ("identity", "list_teams")])
def test_a_cold_start_imports_what_the_one_route_imports(folder: Path, domain: str, name: str) -> None:
    group, route = next((group, route) for group in GROUPS for route, module in group.routes.items() if module == name)
    alone = loaded_by(folder / "code" / domain / f"{name}.py", route)
    assert loaded_by(folder / "code" / domain / f"{group.module}.py", route) == alone
    assert alone[0] in ("401", "403")


def test_a_merged_handler_begins_with_what_all_its_routes_import(folder: Path) -> None:
    for group in GROUPS:
        text = (folder / "code" / group.members[0].domain / f"{group.module}.py").read_text()
        assert "import parley.kernel.edge.http\n" in text, group.function


def answers(world: World, gateway: Gateway) -> Iterator[tuple[str, str, Answer]]:
    """What every route says to its owner, a viewer and nobody, who send what no route takes: the way in, and nothing that happens."""
    acme = world.organization("Acme")
    viewer = acme.as_role("VIEWER")
    before, world.gateway = world.gateway, gateway
    try:
        for route in world.template.routes:
            for name, client in {"owner": acme, "viewer": viewer, "nobody": Client(world)}.items():
                yield f"{route.method} {route.path}", name, answer_of(client, route)
    finally:
        world.gateway = before


def test_merged_functions_answer_like_their_files(world: World, deployed: Template, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parley.kernel.edge.http._audit_refusal", lambda event, status: None)
    one_by_one, together = (
        {(route, who): (answer.status, answer.raw and answer.body.get("code")) for route, who, answer in answers(world, gateway)}
        for gateway in (world.gateway, Gateway(deployed, in_process(deployed.functions)))
    )
    assert together == one_by_one
    assert len(one_by_one) > 500
