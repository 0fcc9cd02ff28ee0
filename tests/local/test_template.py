from __future__ import annotations

from pathlib import Path

import pytest

from local.cloudformation import TemplateProblem
from local.template import Authorizer, QueueSource, Template, load


def test_globals_are_merged_into_functions(template: Template) -> None:
    echo = template.functions["FrontEcho"]
    assert (echo.module, echo.attribute, echo.folder.name) == ("answer", "lambda_handler", "front")
    assert (echo.timeout, echo.memory) == (1, 256)
    assert echo.environment["STAGE"] == "local"
    assert echo.environment["QUEUE_URL"] == "{{@Jobs}}"
    assert echo.environment["JOINED"] == "local-b-keys"
    assert "NETWORK" not in echo.environment


def test_a_resource_whose_condition_is_false_is_not_there(template: Template) -> None:
    assert "Database" not in template.resources


def test_routes_have_the_default_authorizer_unless_they_say_none(template: Template) -> None:
    routes = {(route.method, route.path): route.authorizer for route in template.routes}
    assert routes["GET", "/things/{thing_id}"] == "Caller"
    assert routes["ANY", "/open"] is None
    assert routes["ANY", "$default"] is None
    assert template.api is not None
    assert template.api.authorizers["Caller"] == Authorizer("Caller", "FrontAuthorize", ("authorization",), 60)


def test_event_sources_and_schedules(template: Template) -> None:
    assert template.sources == (QueueSource("BackAnswer", "Jobs", 5, 0.0, True, 1000),)
    assert [(schedule.function, schedule.expression) for schedule in template.schedules] == [("BackAnswer", "rate(1 minute)")]
    assert template.rules[0].queues == ("Jobs",)


def test_custom_resources_come_in_the_order_of_their_dependencies(template: Template) -> None:
    assert [resource.name for resource in template.custom_resources] == ["Ground", "Words"]


FUNCTION = "{{Type: AWS::Serverless::Function, Properties: {{CodeUri: ., Handler: a.b, Events: {{One: {{Type: {0}, Properties: {1}}}}}}}}}"


@pytest.mark.parametrize(
    "resources",
    [
        "F: " + FUNCTION.format("Kinesis", "{}"),
        "F: " + FUNCTION.format("SQS", "{Queue: 'arn:aws:sqs:elsewhere'}"),
        "F: {Type: AWS::Serverless::Function, Properties: {Handler: a.b}}",
        "R: {Type: AWS::Events::Rule, Properties: {EventPattern: {}, Targets: [{Id: x, Arn: 'arn:aws:lambda:x'}]}}",
    ],
)
def test_what_the_local_stack_does_not_offer_is_said(tmp_path: Path, resources: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(f"Resources:\n  {resources}\n")
    with pytest.raises(TemplateProblem):
        load(path)


def test_a_circle_of_custom_resources_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(
        "Resources:\n"
        "  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: ., Handler: a.b, Environment: {Variables: {X: !GetAtt One.X}}}}\n"
        "  One: {Type: Custom::X, DependsOn: Two, Properties: {ServiceToken: !GetAtt F.Arn}}\n"
        "  Two: {Type: Custom::X, Properties: {ServiceToken: !GetAtt F.Arn}}\n"
    )
    with pytest.raises(TemplateProblem, match="circular"):
        load(path).custom_resources  # noqa: B018 - reading it raises
