"""A template that can't be meant ends `make run` with a sentence that says where, never with a trace or, worse, with half of the bundle."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.cloudformation import TemplateProblem
from local.emulator import ROOT
from local.template import Template, load

API = "Api: {{Type: AWS::Serverless::HttpApi, Properties: {{Auth: {{{}}}}}}}"
FUNCTION = "F: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: ., Handler: a.b, {}}}}}"
AUTHORIZER = "Authorizers: {{C: {{FunctionArn: !GetAtt {}.Arn, AuthorizerPayloadFormatVersion: '{}', EnableSimpleResponses: {}}}}}"


def route(path: str, method: str = "GET", **more: str) -> str:
    others = "".join(f", {name}: {value}" for name, value in more.items())
    return FUNCTION.format(f"Events: {{One: {{Type: HttpApi, Properties: {{Path: '{path}', Method: {method}{others}}}}}}}")


def event(kind: str, properties: str) -> str:
    return FUNCTION.format(f"Events: {{One: {{Type: {kind}, Properties: {properties}}}}}")


def read(tmp_path: Path, *resources: str, head: str = "") -> Template:
    path = tmp_path / "template.yaml"
    path.write_text(
        "\n".join([head, "Resources:", "  Queue: {Type: AWS::SQS::Queue}", *(f"  {resource}" for resource in resources)]) + "\n"
    )
    return load(path)


# --- the file ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no Resources, so this is not a template"),
        (b"- a\n- b\n", "no Resources, so this is not a template"),
        (b"just words", "no Resources, so this is not a template"),
        (b"Resources:\n\tQueue: {}\n", "line 2"),
        (b"Resources: {Queue: [}", "line 1"),
        (b"\xff\xfe\x00", "can't decode byte 0xff"),
        (b"Resources:\n", "Resources must be a map"),
        (b"Resources: [Queue]\n", "Resources must be a map"),
        (b"Resources: {}\nParameters: [Stage]\n", "Parameters must be a map"),
        (b"Resources: {}\nConditions: yes\n", "Conditions must be a map"),
        (b"Resources: {}\nGlobals: [Function]\n", "Globals must be a map"),
        (b"Resources: {}\nMappings: x\n", "Mappings must be a map"),
        (b"Resources: {}\nParameters: {Stage: }\n", "the parameter Stage has no Type"),
        (b"Resources: {Queue: hello}\n", "the resource Queue has no Type"),
        (b"Resources: {Queue: {Properties: {}}}\n", "the resource Queue has no Type"),
        (b"Resources: {Queue: {Type: [AWS]}}\n", "the resource Queue has no Type"),
        (b"Resources: {Queue: {Type: T, Properties: [1]}}\n", "the Properties of Queue must be a map"),
        (b"Resources:\n  Queue:\n    Type: T\n    Properties:\n", "the Properties of Queue must be a map"),
        (b"Resources: {Queue: *before}\n", "undefined alias"),
        (b"Resources: {Queue: !!python/object/apply:os.system ['true']}\n", "could not determine a constructor"),
    ],
)
def test_a_file_that_is_no_template_is_refused_by_its_name(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_bytes(content)
    with pytest.raises(TemplateProblem) as problem:
        load(path)
    assert sentence in str(problem.value)
    assert "Traceback" not in str(problem.value)


@pytest.mark.parametrize(
    "content",
    [
        "Resources: {Queue: {Type: T}}\nResources: {Other: {Type: T}}\n",
        "Resources:\n  Queue: {Type: T}\n  Queue: {Type: T}\n",
        "Resources: {Queue: {Type: T, Properties: {A: 1, B: 2, A: 3}}}\n",
        "Resources: {Queue: {Type: T, Properties: {A: !Sub ['${X}', {X: 1, X: 2}]}}}\n",
    ],
)
def test_a_key_that_is_there_twice_is_refused_at_any_depth(tmp_path: Path, content: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(content)
    with pytest.raises(TemplateProblem, match="is there twice"):
        load(path)


def test_a_merge_key_may_stand_beside_what_it_is_merged_with(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(
        "Usual: &usual {Type: T, Properties: {A: 1}}\nResources:\n  One: {<<: *usual}\n  Two: {<<: *usual, Properties: {A: 2}}\n"
    )
    assert [resource.properties for resource in load(path).resources.values()] == [{"A": 1}, {"A": 2}]


@pytest.mark.parametrize("name", ["", "absent.yaml"])
def test_a_path_that_leads_to_no_file_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(TemplateProblem, match=str(tmp_path)):
        load(tmp_path / name)


# --- intrinsic functions -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("!Transform {Name: x}", "Fn::Transform is not understood"),
        ("{'Fn::Length': [1]}", "Fn::Length is not understood"),
        ("{'Fn::ForEach::X': []}", "Fn::ForEach::X is not understood"),
        ("!Ref Nothing", "there is no parameter or resource Nothing"),
        ("!Ref [Queue]", "Ref can't be computed of ['Queue']"),
        ("!Ref AWS::Nothing", "there is no parameter or resource AWS::Nothing"),
        ("!GetAtt Nothing.Arn", "there is no resource Nothing"),
        ("!GetAtt Queue", "Fn::GetAtt of Queue names no attribute"),
        ("!GetAtt [Queue]", "Fn::GetAtt of Queue names no attribute"),
        ("!GetAtt []", "Fn::GetAtt can't be computed of []"),
        ("!Join [',']", "Fn::Join can't be computed of [',']"),
        ("!Join a", "Fn::Join can't be computed of 'a'"),
        ("!Join [',', 5]", "Fn::Join can't be computed"),
        ("!Select [x, [1]]", "Fn::Select can't be computed"),
        ("!Select [2, [1, 2]]", "Fn::Select of item 2 from [1, 2]"),
        ("!Select [-1, [1, 2]]", "Fn::Select of item -1 from [1, 2]"),
        ("!Split ['', abc]", "Fn::Split can't be computed"),
        ("!Split ['/']", "Fn::Split can't be computed"),
        ("!If [Never, 1]", "Fn::If can't be computed of ['Never', 1]"),
        ("!If Never", "Fn::If can't be computed of 'Never'"),
        ("!If [Nowhere, 1, 2]", "there is no condition Nowhere"),
        ("!Sub '${}'", "there is no parameter or resource "),
        ("!Sub '${Nothing.Arn}'", "there is no resource Nothing"),
        ("!Sub ['${A}']", "Fn::Sub can't be computed of ['${A}']"),
        ("!Sub {A: b}", "Fn::Sub can't be computed of {'A': 'b'}"),
        ("!FindInMap [Sizes, large, Memory]", "nothing at ['Sizes', 'large', 'Memory']"),
        ("!FindInMap [Sizes, small, Memory, x, y]", ""),
        ("!FindInMap Sizes", "Fn::FindInMap can't be computed of 'Sizes'"),
        ("!Cidr [10.0.0.0/16]", "Fn::Cidr can't be computed"),
        ("!Cidr [10.0.0.0/16, many, 8]", "Fn::Cidr can't be computed"),
        ("!Equals [1]", "Fn::Equals can't be computed of [1]"),
        ("!Not Never", "Fn::Not can't be computed of 'Never'"),
        ("!Condition Nowhere", "there is no condition Nowhere"),
    ],
)
def test_an_expression_that_can_not_be_computed_is_named_with_its_resource(tmp_path: Path, expression: str, sentence: str) -> None:
    head = "Conditions: {Never: !Equals [1, 2]}\nMappings: {Sizes: {small: {Memory: 128}}}"
    resource = f"Thing: {{Type: T, Properties: {{Deep: [{{Value: {expression}}}]}}}}"
    if not sentence:  # what is more than needed hurts nobody
        assert read(tmp_path, resource, head=head).resources["Thing"].properties == {"Deep": [{"Value": 128}]}
        return
    with pytest.raises(TemplateProblem) as problem:
        read(tmp_path, resource, head=head)
    assert str(problem.value).startswith("template.yaml, Thing: ")
    assert sentence in str(problem.value)


@pytest.mark.parametrize(
    "conditions",
    [
        "{A: !Condition A}",
        "{A: !Condition B, B: !Condition A}",
        "{A: !Not [!Condition B], B: !And [!Condition C, !Condition C], C: !Or [!Condition A]}",
    ],
)
def test_conditions_that_ask_each_other_in_a_circle_are_refused(tmp_path: Path, conditions: str) -> None:
    with pytest.raises(TemplateProblem, match="Thing: the condition A asks itself"):
        read(tmp_path, "Thing: {Type: T, Condition: A}", head=f"Conditions: {conditions}")


# --- resources ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "sentence"),
    [
        ("Thing: {Type: T, Condition: Nowhere}", "Thing: there is no condition Nowhere"),
        ("Thing: {Type: T, DependsOn: Nothing}", "Thing: it depends on Nothing, which is not there"),
        ("Thing: {Type: T, DependsOn: [Queue, Nothing, Nobody]}", "it depends on Nobody, Nothing"),
        ("Thing: {Type: T, DependsOn: 5}", "Thing: a value has another form"),
        ("F: {Type: AWS::Serverless::Function}", "F: CodeUri is missing"),
        ("F: {Type: AWS::Serverless::Function, Properties: {CodeUri: .}}", "F: Handler is missing"),
        ("F: {Type: AWS::Serverless::Function, Properties: {CodeUri: [a], Handler: a.b}}", "F: CodeUri is missing"),
        ("F: {Type: AWS::Serverless::Function, Properties: {CodeUri: ., Handler: lambda_handler}}", "the Handler lambda_handler names no"),
        ("F: {Type: AWS::Serverless::Function, Properties: {CodeUri: ., Handler: file.}}", "the Handler file. names no"),
        (FUNCTION.format("Timeout: soon"), "F: Timeout is soon, and must be a number, 1 or more"),
        (FUNCTION.format("Timeout: 0"), "F: Timeout is 0"),
        (FUNCTION.format("Timeout: -3"), "F: Timeout is -3"),
        (FUNCTION.format("MemorySize: {a: b}"), "F: MemorySize is {'a': 'b'}"),
        (FUNCTION.format("MemorySize: 1.5"), "F: MemorySize is 1.5"),
        (FUNCTION.format("Events: [One]"), "F: a value has another form"),
        (FUNCTION.format("Events: {One: {Properties: {}}}"), "F, event One: a value has another form"),
        (FUNCTION.format("Environment: x"), "F: a value has another form"),
        (FUNCTION.format("Environment: {Variables: [A]}"), "F: the Variables of its Environment must be a map"),
        (event("Kinesis", "{}"), "F, event One: Kinesis is not offered by the local stack"),
        (event("Schedule", "{}"), "F, event One: a value has another form"),
        (event("Schedule", "{Schedule: never}"), "F, event One: never: neither rate(...) nor cron(...)"),
        (event("Schedule", "{Schedule: 'cron(0 0 31 2 ? *)'}"), "never due within five years"),
        (event("ScheduleV2", "{ScheduleExpression: rate(0 days)}"), "rate(0 days): not a rate"),
        (event("SQS", "{Queue: !GetAtt Nothing.Arn}"), "there is no resource Nothing"),
        (event("SQS", "{Queue: !GetAtt F.Arn}"), "F, event One: an SQS event must name a queue of this template"),
        (event("SQS", "{Queue: 'arn:aws:sqs:eu-central-1:1:x'}"), "must name a queue of this template"),
        (event("SQS", "{Queue: !GetAtt Queue.Arn, BatchSize: many}"), "F, event One: BatchSize is many"),
        (event("SQS", "{Queue: !GetAtt Queue.Arn, BatchSize: 0}"), "BatchSize is 0, and must be a number, 1 or more"),
        (
            event("SQS", "{Queue: !GetAtt Queue.Arn, ScalingConfig: {MaximumConcurrency: 1}}"),
            "MaximumConcurrency is 1, and must be a number, 2",
        ),
        (route("things"), "F, event One: the path things is none"),
        (route("/{a-b}"), "the path /{a-b} is none"),
        (route("/{a}/{a}"), "the path /{a}/{a} is none"),
        (route("/{a}/{a+}"), "the path /{a}/{a+} is none"),
        (route("/a{b}"), "the path /a{b} is none"),
        (route("/{}"), "the path /{} is none"),
        (route("/a", Auth="{Authorizer: Nobody}"), "F, event One: there is no authorizer Nobody"),
        (API.format("Authorizers: {C: {}}"), "Api: authorizer C: the local stack offers function authorizers"),
        (API.format("Authorizers: "), "Api: a value has another form"),
        (API.format(AUTHORIZER.format("Queue", "2.0", "true")), "Api: authorizer C: Queue is no function of this template"),
        (API.format(AUTHORIZER.format("Queue", "1.0", "true")), "authorizer C: the local stack offers function authorizers"),
        (API.format(AUTHORIZER.format("Queue", "2.0", "false")), "authorizer C: the local stack offers function authorizers"),
        (
            "R: {Type: AWS::Events::Rule, Properties: {Targets: []}}",
            "R: a value has another form than it should (KeyError('EventPattern'))",
        ),
        ("R: {Type: AWS::Events::Rule, Properties: {EventPattern: {}, Targets: [x]}}", "R: a value has another form"),
        (
            "R: {Type: AWS::Events::Rule, Properties: {EventPattern: {}, Targets: [{Id: x, Arn: 'arn:x'}]}}",
            "R: the local stack delivers events to queues",
        ),
    ],
)
def test_a_resource_that_can_not_be_made_is_named_with_what_is_wrong(tmp_path: Path, resource: str, sentence: str) -> None:
    with pytest.raises(TemplateProblem) as problem:
        read(tmp_path, resource)
    assert "template.yaml" in str(problem.value)
    assert sentence in str(problem.value)


@pytest.mark.parametrize(
    ("first", "second"),
    [(("/a", "GET"), ("/a", "GET")), (("/a/{b}", "GET"), ("/a/{c}", "get")), (("/{a+}", "ANY"), ("/{b+}", "'*'"))],
)
def test_one_route_has_one_function(tmp_path: Path, first: tuple[str, str], second: tuple[str, str]) -> None:
    with pytest.raises(TemplateProblem, match="is answered by both F and G"):
        read(tmp_path, route(*first), route(*second).replace("F:", "G:", 1))


def test_routes_that_only_look_alike_are_two(tmp_path: Path) -> None:
    template = read(tmp_path, route("/a/{b}"), route("/a/{b}", "POST").replace("F:", "G:", 1), route("/a/{b+}").replace("F:", "H:", 1))
    assert [(route.method, route.path, route.function) for route in template.routes] == [
        ("GET", "/a/{b}", "F"),
        ("POST", "/a/{b}", "G"),
        ("GET", "/a/{b+}", "H"),
    ]


def test_a_resource_that_is_not_made_needs_to_be_right_in_nothing(tmp_path: Path) -> None:
    head = "Conditions: {Never: !Equals [1, 2]}"
    template = read(
        tmp_path, "Thing: {Type: T, Condition: Never, Properties: {A: !Ref Nothing}}", "Other: {Type: T, DependsOn: Thing}", head=head
    )
    assert template.resources.keys() == {"Queue", "Other"}
    assert template.resources["Other"].depends_on == ("Thing",)


def test_a_schedule_that_is_off_does_not_come(tmp_path: Path) -> None:
    template = read(
        tmp_path,
        event("Schedule", "{Schedule: never, Enabled: false}"),
        event("ScheduleV2", "{ScheduleExpression: rate(1 day), State: DISABLED}").replace("F:", "G:", 1),
        event("ScheduleV2", "{ScheduleExpression: rate(1 day), Input: '[1]'}").replace("F:", "H:", 1),
    )
    assert [(schedule.name, schedule.input) for schedule in template.schedules] == [("HOne", "[1]")]


def test_a_program_shows_the_sentence_and_no_trace(tmp_path: Path) -> None:
    """As `make build` reads it."""
    path = tmp_path / "template.yaml"
    path.write_text("Resources: {Queue: {Type: T}, Queue: {Type: T}}\n")
    command = [sys.executable, "-m", "local.stacks", str(path), str(tmp_path / "made")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, env=os.environ)
    assert done.returncode == 1
    assert "Queue is there twice" in done.stderr
    assert "Traceback" not in done.stderr
