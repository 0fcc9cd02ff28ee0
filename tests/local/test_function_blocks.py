"""The functions of the template are what files and differences say, and say it in the house's way of writing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cloudformation import TemplateProblem, parse
from local.endpoints import Endpoint, endpoints
from local.function_blocks import BEGIN, END, fresh, resource, written

VARIABLES = "PEPPER: !Ref Pepper\nWHERE: !If [Somewhere, !Sub '${Network.Outputs.Host}/a', '']\n"
ROUTE = '''"""{documentation}"""

from parley.kernel.edge.http import Access, api, entrypoint

app = api(needs={needs})
lambda_handler = entrypoint(app)
'''
EVENT = '"""{documentation}"""\n\nlambda_handler = print\n'


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "variables.yaml").write_text(VARIABLES)
    return tmp_path


def file(functions: Path, name: str, text: str, documentation: str, needs: str = '"things:read"') -> None:
    (functions / "shop" / f"{name}.py").write_text(text.format(documentation=documentation, needs=needs))


def differ(functions: Path, text: str) -> None:
    (functions / "shop" / "functions.yaml").write_text(text)


def made(functions: Path) -> dict[str, Any]:
    (functions / "made.yaml").write_text(written(functions))
    resources: dict[str, Any] = parse(functions / "made.yaml")
    return resources


def endpoint(functions: Path) -> Endpoint:
    [only_endpoint] = endpoints(functions)
    return only_endpoint


def test_the_usual_function_reaches_the_database_and_answers_callers(functions: Path) -> None:
    file(functions, "get_thing", ROUTE, "GET /v1/shop/things/{thing_id}")
    http = {"ApiId": {"Ref": "Api"}, "Method": "GET", "Path": "/v1/shop/things/{thing_id}"}
    assert made(functions) == {
        "ShopGetThing": {
            "Type": "AWS::Serverless::Function",
            "DependsOn": "Migrations",
            "Properties": {
                "CodeUri": "functions/shop/",
                "Handler": "get_thing.lambda_handler",
                "LoggingConfig": {"LogGroup": {"Ref": "ShopLogs"}},
                "Role": {"Fn::GetAtt": ["DatabaseRole", "Arn"]},
                "Events": {"Http": {"Type": "HttpApi", "Properties": http}},
            },
        }
    }


def test_who_is_for_anybody_has_no_authorizer(functions: Path) -> None:
    file(functions, "get_thing", ROUTE, "GET /things/{thing_id}: the page of a thing.", "Access.ANYBODY")
    function = endpoint(functions)
    assert (function.method, function.path, function.is_public) == ("GET", "/things/{thing_id}", True)
    assert made(functions)["ShopGetThing"]["Properties"]["Events"]["Http"]["Properties"]["Auth"] == {"Authorizer": "NONE"}


def test_a_function_outside_knows_no_database_and_waits_for_nothing(functions: Path) -> None:
    file(functions, "ask_maker", EVENT, "Called by other functions.")
    differ(functions, "ask_maker: {outside: true, timeout: 60, memory: 512, layers: [MakersLayer], variables: [PEPPER]}")
    function = made(functions)["ShopAskMaker"]
    assert "DependsOn" not in function
    assert "Events" not in function["Properties"]
    assert function["Properties"]["Role"] == {"Fn::GetAtt": ["OutsideRole", "Arn"]}
    assert function["Properties"]["VpcConfig"] == {"Ref": "AWS::NoValue"}
    assert function["Properties"]["Environment"]["Variables"] == {"DATABASE_URL": {"Ref": "AWS::NoValue"}, "PEPPER": {"Ref": "Pepper"}}
    assert (function["Properties"]["Timeout"], function["Properties"]["MemorySize"]) == (60, 512)
    assert function["Properties"]["Layers"] == [{"Ref": "MakersLayer"}]


def test_queues_and_schedules_are_read_from_the_first_words(functions: Path) -> None:
    for documentation, queue, schedule in (
        ("Queue shop-jobs: sends.", "ShopJobs", None),
        ("Each minute: looks.", None, "rate(1 minute)"),
        ("Every 10 minutes: looks again.", None, "rate(10 minutes)"),
        ("Each day: the upkeep of tables: those.", None, "rate(1 day)"),
        ("Queue relay-queue, each minute: publishes.", "RelayQueue", "rate(1 minute)"),
        ("Invoked by hand, each minute or never.", None, None),
    ):
        file(functions, "on_something", EVENT, documentation)
        function = endpoint(functions)
        assert (function.queue, function.schedule, function.path) == (queue, schedule, None), documentation


def test_a_worker_says_what_its_queue_gives_it(functions: Path) -> None:
    file(functions, "on_job", EVENT, "Queue shop-jobs: sends.")
    differ(functions, "on_job:\n  queue: {batch: 1, concurrency: 20}\n")
    source = made(functions)["ShopOnJob"]["Properties"]["Events"]["Queue"]["Properties"]
    assert source == {
        "Queue": {"Fn::GetAtt": ["ShopJobs", "Arn"]},
        "BatchSize": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 20},
    }


def test_policies_stand_instead_of_a_role_and_long_ones_line_by_line(functions: Path) -> None:
    file(functions, "on_job", EVENT, "Queue shop-jobs: sends.")
    condition = "{StringEquals: {'kms:ViaService': !Sub 's3.${AWS::Region}.x'}}"
    statement = f"{{Effect: Allow, Action: 'kms:Decrypt', Resource: !GetAtt Key.Arn, Condition: {condition}}}"
    differ(functions, f"on_job:\n  policies: [ReachDatabase, {{Version: '2012-10-17', Statement: [{statement}]}}]\n")
    function = made(functions)["ShopOnJob"]["Properties"]
    assert "Role" not in function
    assert function["Policies"][0] == {"Ref": "ReachDatabase"}
    assert function["Policies"][1]["Statement"][0]["Condition"] == {"StringEquals": {"kms:ViaService": {"Fn::Sub": "s3.${AWS::Region}.x"}}}
    assert max(map(len, written(functions).splitlines())) <= 140


@pytest.mark.parametrize(
    "differences",
    ["get_nothing: {memory: 512}", "get_thing: {memroy: 512}", "get_thing: {variables: [SALT]}"],
    ids=["of no file", "of no kind", "a variable that nobody knows"],
)
def test_what_can_not_be_meant_is_refused(functions: Path, differences: str) -> None:
    file(functions, "get_thing", ROUTE, "GET /v1/shop/things/{thing_id}")
    differ(functions, differences)
    with pytest.raises(TemplateProblem):
        made(functions)


def test_a_variable_of_ones_own_stands_in_place(functions: Path) -> None:
    file(functions, "get_thing", ROUTE, "GET /v1/shop/things/{thing_id}")
    differ(functions, "get_thing: {variables: [WHERE, {ROLE: !GetAtt ShopRole.Arn}]}")
    own = resource(endpoint(functions), parse(functions / "variables.yaml"))["Properties"]["Environment"]["Variables"]
    assert own == {
        "WHERE": {"Fn::If": ["Somewhere", {"Fn::Sub": "${Network.Outputs.Host}/a"}, ""]},
        "ROLE": {"Fn::GetAtt": ["ShopRole", "Arn"]},
    }
    assert made(functions)["ShopGetThing"]["Properties"]["Environment"]["Variables"] == own


def test_only_what_lies_between_the_marks_is_written(functions: Path) -> None:
    file(functions, "get_thing", ROUTE, "GET /v1/shop/things/{thing_id}")
    template = f"Resources:\n  # by hand\n\n{BEGIN}---\n\n  Old: {{}}\n\n{END}---\n\n  # by hand, too\n"
    made = fresh(template, functions)
    assert made == fresh(made, functions)
    assert made.startswith("Resources:\n  # by hand\n") and made.endswith("  # by hand, too\n")
    assert "ShopGetThing:" in made and "Old" not in made
    yaml.compose(made)
    with pytest.raises(TemplateProblem, match="marks"):
        fresh("Resources: {}\n", functions)
