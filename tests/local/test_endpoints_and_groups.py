"""Docstrings as people write them: what becomes a route, a queue, a schedule; what is refused; and which files are deployed as one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.cloudformation import TemplateProblem
from local.endpoints import Endpoint, camel, endpoints
from local.function_blocks import resource, written
from local.merging import Group, access_of, handler, merged, noun_of

NEEDS = 'app = api(needs="{}")\n'


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "variables.yaml").write_text("PEPPER: !Ref Pepper\n")
    return tmp_path


def file(functions: Path, name: str, documentation: str, code: str = NEEDS.format("things:read"), domain: str = "shop") -> None:
    (functions / domain).mkdir(exist_ok=True)
    (functions / domain / f"{name}.py").write_text(f'"""{documentation}"""\n\n{code}')


def single(functions: Path) -> Endpoint:
    [endpoint] = endpoints(functions)
    return endpoint


# --- docstrings --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("documentation", "method", "path"),
    [
        ("GET /v1/things", "GET", "/v1/things"),
        ("GET /v1/things\n\nMore about it: a lot.", "GET", "/v1/things"),
        ("DELETE /v1/things/{thing_id}: it ends.", "DELETE", "/v1/things/{thing_id}"),
        ("ANY /scim/{path+}: all of it.", "ANY", "/scim/{path+}"),
        ("GET /.well-known/jwks.json: keys.", "GET", "/.well-known/jwks.json"),
        ("PATCH /a: POST /b is another.", "PATCH", "/a"),
        ("$default: refuses.", None, "$default"),
        ("", None, None),
        ("Lists things: GET /v1/things.", None, None),
        ("get /v1/things", None, None),
        ("HEAD /v1/things", None, None),
        (" GET /v1/things", "GET", "/v1/things"),  # a docstring is cleaned
        ("GET v1/things", None, None),
        ("$default refuses.", None, None),
    ],
)
def test_a_route_stands_at_the_very_beginning(functions: Path, documentation: str, method: str | None, path: str | None) -> None:
    file(functions, "some_thing", documentation)
    endpoint = single(functions)
    assert (endpoint.method, endpoint.path) == (method, path)
    assert (endpoint.queue, endpoint.schedule) == (None, None)


@pytest.mark.parametrize(
    ("documentation", "queue", "schedule"),
    [
        ("Queue shop-jobs: works.", "ShopJobs", None),
        ("Queue shop-jobs, every 5 minutes: works.", "ShopJobs", "rate(5 minutes)"),
        ("Queue shop-jobs works.", None, None),
        ("Queue Shop_Jobs: works.", None, None),
        ("queue shop-jobs: works.", None, None),
        ("Each hour: looks.", None, "rate(1 hour)"),
        ("Every 1 minute: looks.", None, "rate(1 minutes)"),
        ("EVERY 2 DAYS: looks.", None, "rate(2 DAYS)"),
        ("Each week: looks.", None, None),
        ("Each minute looks.", None, None),
        ("Looks. Each minute: no.", None, None),
    ],
)
def test_a_queue_and_a_schedule_are_the_first_words(functions: Path, documentation: str, queue: str | None, schedule: str | None) -> None:
    file(functions, "on_thing", documentation, "lambda_handler = print\n")
    endpoint = single(functions)
    assert (endpoint.queue, endpoint.path) == (queue, None)
    assert (endpoint.schedule or "").lower() == (schedule or "").lower()


@pytest.mark.parametrize(
    ("code", "needs", "is_public"),
    [
        ('app = api(needs="things:read")', "things:read", False),
        ("app = api(needs=Access.ANYBODY)", "Access.ANYBODY", True),
        ("app = api(needs=Access.PERSON)", "Access.PERSON", False),
        ("app = api(title='x', needs=SCOPES[0])", "SCOPES[0]", False),
        ("other = api(needs=Access.ANYBODY)", None, True),
        ("def make():\n    app = api(needs='things:read')", None, True),
        ("lambda_handler = print", None, True),
    ],
)
def test_who_may_call_is_what_the_application_needs(functions: Path, code: str, needs: str | None, is_public: bool) -> None:
    file(functions, "get_thing", "GET /v1/things/{thing_id}", code + "\n")
    endpoint = single(functions)
    assert (endpoint.needs, endpoint.is_public) == (needs, is_public)


def test_an_application_with_a_type_is_one_too(functions: Path) -> None:
    """Or its route would be everybody's, for a colon."""
    file(functions, "get_thing", "GET /v1/things/{thing_id}", 'app: Application = api(needs="things:read")\n')
    endpoint = single(functions)
    assert (endpoint.needs, endpoint.is_public) == ("things:read", False)
    properties = resource(endpoint, {})["Properties"]["Events"]["Http"]["Properties"]
    assert "Auth" not in properties


def test_a_file_that_python_can_not_read_is_named(functions: Path) -> None:
    (functions / "shop" / "get_thing.py").write_text('"""GET /v1/things"""\n\ndef (')
    with pytest.raises(TemplateProblem, match=r"shop/get_thing\.py, line 3: invalid syntax"):
        list(endpoints(functions))


def test_files_beside_handlers_and_folders_without_any_are_no_endpoints(functions: Path) -> None:
    file(functions, "get_thing", "GET /v1/things")
    (functions / "shop" / "_beside.py").write_text("def (")
    (functions / "empty").mkdir()
    (functions / "notes.md").write_text("GET /nothing")
    assert [endpoint.function for endpoint in endpoints(functions)] == ["ShopGetThing"]


@pytest.mark.parametrize(
    ("differences", "sentence"),
    [
        ("get_nothing: {memory: 1}\nget_less: {}", "shop/functions.yaml: there is no get_less, get_nothing"),
        ("get_thing: {memroy: 1}", "shop/functions.yaml, get_thing: memroy is nothing that can differ"),
        ("get_thing: {variables: [SALT]}", "functions/variables.yaml does not say what SALT is"),
        ("get_thing: [memory]", "shop/functions.yaml, get_thing: must be a map"),
        ("get_thing: fast", "shop/functions.yaml, get_thing: must be a map"),
        ("- get_thing", "shop/functions.yaml: must be a map"),
        ("get_thing: {memory: 1}\nget_thing: {memory: 2}", "get_thing is there twice"),
        ("get_thing: {memory: [", "functions.yaml: while parsing"),
    ],
)
def test_differences_that_can_not_be_meant_are_refused_by_their_file(functions: Path, differences: str, sentence: str) -> None:
    file(functions, "get_thing", "GET /v1/things")
    (functions / "shop" / "functions.yaml").write_text(differences)
    with pytest.raises(TemplateProblem) as problem:
        written(functions)
    assert sentence in str(problem.value)


@pytest.mark.parametrize("content", ["", "get_thing:\n", "# nothing differs\n"])
def test_differences_may_be_none(functions: Path, content: str) -> None:
    file(functions, "get_thing", "GET /v1/things")
    (functions / "shop" / "functions.yaml").write_text(content)
    assert single(functions).differences == {}


@pytest.mark.parametrize(
    ("words", "name"), [("get_thing", "GetThing"), ("shop-jobs", "ShopJobs"), ("a_b-c", "ABC"), ("oauth2_x", "Oauth2X")]
)
def test_names_of_files_become_logical_ids(words: str, name: str) -> None:
    assert camel(words) == name


# --- groups ------------------------------------------------------------------------------------------------------------------------------


def endpoint(path: str, needs: str | None = "things:read", domain: str = "shop", name: str = "get_thing") -> Endpoint:
    return Endpoint(domain, name, "GET", path, None, None, needs, {})


@pytest.mark.parametrize(
    ("path", "noun"),
    [
        ("/v1/shop/things", "thing"),
        ("/v1/shop/things/{id}/parts", "thing"),
        ("/v1/things", "thing"),
        ("/v1/things/{id}", "thing"),
        ("/things/{id}", "thing"),
        ("/v1/shop/policies", "policy"),
        ("/v1/shop/access", "access"),
        ("/v1/shop/event-types", "event-type"),
        ("/{organization}/{page}", "shop"),
        ("/.well-known/jwks.json", "well-known"),
        ("/embed.js", "embed"),
        ("/", ""),
    ],
)
def test_what_a_route_is_about(path: str, noun: str) -> None:
    assert noun_of(endpoint(path)) == noun


@pytest.mark.parametrize(
    ("needs", "access"),
    [("things:read", "read"), ("Access.PERSON", "person"), ("Access.ANYBODY", "public"), (None, "public"), ("a:b:write", "write")],
)
def test_what_a_route_may(needs: str | None, access: str) -> None:
    assert access_of(endpoint("/v1/things", needs)) == access


def document(functions: Path, **changes: dict[str, Any]) -> dict[str, Any]:
    resources = {endpoint.function: resource(endpoint, {}) for endpoint in endpoints(functions)}
    for name, properties in changes.items():
        resources[name] = resources[name] | {"Properties": resources[name]["Properties"] | properties}
    return {"Resources": resources}


@pytest.fixture
def shop(functions: Path) -> Path:
    file(functions, "list_things", "GET /v1/shop/things")
    file(functions, "get_thing", "GET /v1/shop/things/{thing_id}")
    file(functions, "create_thing", "POST /v1/shop/things", NEEDS.format("things:write"))
    file(functions, "on_thing", "Queue shop-jobs: works.", "lambda_handler = print\n")
    return functions


def test_files_of_one_noun_and_scope_become_one_function(shop: Path) -> None:
    made, [group] = merged(document(shop), shop)
    assert [member.name for member in group.members] == ["get_thing", "list_things"]
    assert group.words == ("thing", "read")
    assert made["Resources"].keys() == {group.function, "ShopCreateThing", "ShopOnThing"}
    function = made["Resources"][group.function]["Properties"]
    assert function["Handler"] == f"{group.module}.lambda_handler"
    assert {event["Properties"]["Path"] for event in function["Events"].values()} == {"/v1/shop/things", "/v1/shop/things/{thing_id}"}


@pytest.mark.parametrize(
    "change",
    [
        {"MemorySize": 512},
        {"Timeout": 60},
        {"Role": "Another"},
        {"Layers": ["X"]},
        {"VpcConfig": {"Ref": "AWS::NoValue"}},
        {"Environment": {"X": 1}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_differs_in_anything_stays_apart(shop: Path, change: dict[str, Any]) -> None:
    _, groups = merged(document(shop, ShopGetThing=change), shop)
    assert groups == []


def test_what_another_names_or_wants_to_be_alone_stays_so(shop: Path) -> None:
    caller = {"Environment": {"Variables": {"ASK": {"Ref": "ShopGetThing"}}}}
    assert merged(document(shop, ShopCreateThing=caller), shop)[1] == []
    (shop / "shop" / "functions.yaml").write_text("get_thing: {alone: true}\n")
    assert merged(document(shop), shop)[1] == []


def test_a_name_that_would_be_there_twice_is_refused(shop: Path) -> None:
    [group] = merged(document(shop), shop)[1]
    taken = document(shop)
    taken["Resources"][group.function] = {"Type": "AWS::SQS::Queue"}
    with pytest.raises(TemplateProblem, match=f"two functions would be called {group.function}"):
        merged(taken, shop)


def test_a_groups_name_is_short_and_changes_with_its_routes() -> None:
    members = tuple(endpoint(f"/v1/shop/{'very-' * 12}long/{number}", name=f"get_{number}") for number in range(3))
    group = Group(members)
    assert len(group.function) == 35
    assert group.function.endswith(group.mark) and group.module.endswith(f"_{group.mark}")
    assert Group(members[:2]).mark != group.mark == Group(members[::-1]).mark


def test_the_handler_of_a_group_imports_what_all_its_files_do(shop: Path) -> None:
    common = "import json\nfrom parley.kernel.edge import http\n"
    file(shop, "list_things", "GET /v1/shop/things", common + "import csv\n" + NEEDS.format("things:read"))
    file(shop, "get_thing", "GET /v1/shop/things/{thing_id}", common + "def f():\n    import os\n" + NEEDS.format("things:read"))
    [group] = merged(document(shop), shop)[1]
    text = handler(group, shop / "shop")
    assert "import json\n" in text and "import parley.kernel.edge.http\n" in text
    assert "csv" not in text and "import os" not in text
    compile(text, "handler.py", "exec")
