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
    ("said", "rewritten", "given"),
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
def test_what_lies_outside_becomes_a_parameter(outside: Outside, said: Any, rewritten: Any, given: dict[str, Any] | None) -> None:
    assert outside.rewritten(said) == rewritten
    assert given is None or outside.given == given
    assert outside.parameters.keys() == outside.given.keys()


def test_a_parameter_keeps_its_type(outside: Outside) -> None:
    outside.rewritten([{"Ref": "Subnets"}, {"Ref": "Queue"}])
    assert outside.parameters == {"Subnets": {"Type": "CommaDelimitedList"}, "Queue": {"Type": "String"}}


def test_a_condition_comes_along_with_those_that_it_is_made_of_and_their_parameters(outside: Outside) -> None:
    choice = {"Fn::If": ["HasNetwork", {"Ref": "Queue"}, {"Ref": "AWS::NoValue"}]}
    assert outside.rewritten(choice) == choice
    assert outside.conditions == DOCUMENT["Conditions"]
    assert outside.given.keys() == {"Secret", "Subnets", "Queue"}


@pytest.mark.parametrize(
    "said",
    [
        {"Ref": "Nothing"},
        {"Fn::GetAtt": ["Nothing", "Arn"]},
        {"Fn::Sub": "${Nothing}"},
        {"Ref": "AWS::StackId"},
        {"Fn::FindInMap": ["A", "B", "C"]},
        [{"Ref": "QueueArn"}, {"Fn::GetAtt": ["Queue", "Arn"]}],
    ],
)
def test_what_can_not_be_passed_is_said(outside: Outside, said: Any) -> None:
    with pytest.raises(TemplateProblem):
        outside.rewritten(said)


def test_names_that_a_part_mentions() -> None:
    said = {
        "a": [{"Ref": "A"}, {"Fn::GetAtt": "B.Arn"}, {"Fn::Sub": ["${C.Name}${D}${!E}", {"D": {"Fn::GetAtt": ["F", "Arn"]}}]}],
        "b": "G",
    }
    assert set(mentioned(said)) == {"A", "B", "C", "D", "F"}


def test_conditions_that_a_part_asks() -> None:
    said = [{"Condition": "A"}, {"x": {"Fn::If": ["B", {"Fn::If": ["C", 1, 2]}, 3]}}, {"Condition": {"Bool": {"D": "true"}}}]
    assert set(conditions_of(said)) == {"A", "B", "C"}
