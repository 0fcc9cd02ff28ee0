from __future__ import annotations

from typing import Any

import pytest

from local.cloudformation import TemplateProblem
from local.references import Outside, conditions_of, mentioned

DOCUMENT: dict[str, Any] = {
    "Parameters": {"Secret": {"Type": "String"}, "Subnets": {"Type": "CommaDelimitedList", "Default": ""}, "QueueArn": {"Type": "String"}},
    "Conditions": {
        "MakesDatabase": {"Fn::Equals": [{"Ref": "Secret"}, ""]},
        "HasNetwork": {"Fn::Or": [{"Condition": "MakesDatabase"}, {"Fn::Not": [{"Fn::Equals": [{"Ref": "Subnets"}, ""]}]}]},
    },
    "Resources": {"Queue": {"Type": "Q"}, "Network": {"Type": "N", "Condition": "MakesDatabase"}, "Mine": {"Type": "F"}},
}


@pytest.fixture
def outside() -> Outside:
    return Outside(DOCUMENT, {"Mine"})


@pytest.mark.parametrize(
    ("part", "rewritten", "parameters"),
    [
        ({"Ref": "Queue"}, {"Ref": "Queue"}, {"Queue": {"Ref": "Queue"}}),
        ({"Fn::GetAtt": ["Queue", "Name"]}, {"Ref": "QueueName"}, {"QueueName": {"Fn::GetAtt": ["Queue", "Name"]}}),
        ({"Fn::GetAtt": "Queue.Name"}, {"Ref": "QueueName"}, {"QueueName": {"Fn::GetAtt": ["Queue", "Name"]}}),
        ({"Fn::Sub": "${Queue.Name}/${Secret}"}, {"Fn::Sub": "${QueueName}/${Secret}"}, None),
        ({"Fn::Sub": "${AWS::StackName}-x"}, {"Fn::Sub": "${StackName}-x"}, {"StackName": {"Ref": "AWS::StackName"}}),
        ({"Fn::Sub": "${AWS::Region}${!Queue}"}, {"Fn::Sub": "${AWS::Region}${!Queue}"}, {}),
        ({"Fn::Sub": ["${Queue}", {"Queue": "x"}]}, {"Fn::Sub": ["${Queue}", {"Queue": "x"}]}, {}),
        ({"Fn::Sub": ["${A}", {"A": {"Ref": "Queue"}}]}, {"Fn::Sub": ["${A}", {"A": {"Ref": "Queue"}}]}, {"Queue": {"Ref": "Queue"}}),
        ({"Ref": "Subnets"}, {"Ref": "Subnets"}, {"Subnets": {"Fn::Join": [",", {"Ref": "Subnets"}]}}),
        # What is not always made is passed as nothing.
        (
            {"Fn::GetAtt": ["Network", "Outputs.Host"]},
            {"Ref": "NetworkOutputsHost"},
            {"NetworkOutputsHost": {"Fn::If": ["MakesDatabase", {"Fn::GetAtt": ["Network", "Outputs.Host"]}, ""]}},
        ),
        ([{"Ref": "Mine"}, {"Fn::GetAtt": ["Mine", "Arn"]}], [{"Ref": "Mine"}, {"Fn::GetAtt": ["Mine", "Arn"]}], {}),
        ({"Fn::Sub": "${Mine.Arn} ${Mine}"}, {"Fn::Sub": "${Mine.Arn} ${Mine}"}, {}),
        ({"Ref": "AWS::NoValue"}, {"Ref": "AWS::NoValue"}, {}),
        ({"Effect": "Allow", "Condition": {"Null": {"a": "b"}}}, {"Effect": "Allow", "Condition": {"Null": {"a": "b"}}}, {}),
        ([{"Condition": {"Null": {"a": "b"}}}], [{"Condition": {"Null": {"a": "b"}}}], {}),
    ],
)
def test_what_lies_outside_becomes_a_parameter(outside: Outside, part: Any, rewritten: Any, parameters: dict[str, Any] | None) -> None:
    assert outside.rewritten(part) == rewritten
    assert parameters is None or outside.arguments == parameters
    assert outside.parameters.keys() == outside.arguments.keys()


def test_a_parameter_keeps_its_type(outside: Outside) -> None:
    outside.rewritten([{"Ref": "Subnets"}, {"Ref": "Queue"}])
    assert outside.parameters == {"Subnets": {"Type": "CommaDelimitedList"}, "Queue": {"Type": "String"}}


def test_a_condition_comes_along_with_those_that_it_is_made_of_and_their_parameters(outside: Outside) -> None:
    choice = {"Fn::If": ["HasNetwork", {"Ref": "Queue"}, {"Ref": "AWS::NoValue"}]}
    assert outside.rewritten(choice) == choice
    assert outside.conditions == DOCUMENT["Conditions"]
    assert outside.arguments.keys() == {"Secret", "Subnets", "Queue"}


@pytest.mark.parametrize(
    "part",
    [
        {"Ref": "Nothing"},
        {"Fn::GetAtt": ["Nothing", "Arn"]},
        {"Fn::Sub": "${Nothing}"},
        {"Ref": "AWS::StackId"},
        {"Fn::FindInMap": ["A", "B", "C"]},
        [{"Ref": "QueueArn"}, {"Fn::GetAtt": ["Queue", "Arn"]}],
    ],
)
def test_what_can_not_be_passed_is_said(outside: Outside, part: Any) -> None:
    with pytest.raises(TemplateProblem):
        outside.rewritten(part)


def test_names_that_a_part_mentions() -> None:
    part = {
        "a": [{"Ref": "A"}, {"Fn::GetAtt": "B.Arn"}, {"Fn::Sub": ["${C.Name}${D}${!E}", {"D": {"Fn::GetAtt": ["F", "Arn"]}}]}],
        "b": "G",
    }
    assert set(mentioned(part)) == {"A", "B", "C", "D", "F"}


def test_conditions_that_a_part_asks() -> None:
    parts = [{"Condition": "A"}, {"x": {"Fn::If": ["B", {"Fn::If": ["C", 1, 2]}, 3]}}, {"Condition": {"Bool": {"D": "true"}}}]
    assert set(conditions_of(parts)) == {"A", "B", "C"}
