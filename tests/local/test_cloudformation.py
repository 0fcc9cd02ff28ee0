from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.cloudformation import Evaluator, TemplateProblem, named, read, resolve, unresolved

TEXT = """
Parameters:
  Stage: {Type: String, Default: local}
  Zones: {Type: CommaDelimitedList, Default: "a, b"}
Conditions:
  Local: !Equals [!Ref Stage, local]
  Cloud: !Not [!Condition Local]
Mappings: {Sizes: {local: {Memory: 256}}}
Resources: {Queue: {Type: AWS::SQS::Queue}}
Values:
  version: 2012-10-17
  stage: !Ref Stage
  long: {"Ref": Stage}
  zones: !Ref Zones
  queue: !Ref Queue
  arn: !GetAtt Queue.Arn
  arn_long: {"Fn::GetAtt": [Queue, Arn]}
  sub: !Sub "${Stage}/${Queue.Arn}/${!Literal}/${AWS::Region}"
  sub_names: !Sub ["${One} ${Stage}", {One: !Ref Stage}]
  join: !Join [",", !Ref Zones]
  select: !Select [1, !Split ["/", "a/b"]]
  found: !FindInMap [Sizes, !Ref Stage, Memory]
  either: !If [Local, here, there]
  none: !If [Cloud, here, !Ref AWS::NoValue]
  listed: [!If [Cloud, 1, !Ref AWS::NoValue], 2]
  both: !And [!Condition Local, !Or [!Condition Cloud, !Equals [1, "1"]]]
  zone: !Select [0, !GetAZs ""]
"""


@pytest.fixture
def values(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "template.yaml"
    path.write_text(TEXT)
    document = read(path)
    made: dict[str, Any] = Evaluator(document, {}).value(document["Values"])
    return made


def test_every_function_in_both_forms(values: dict[str, Any]) -> None:
    assert values == {
        "version": "2012-10-17",
        "stage": "local",
        "long": "local",
        "zones": ["a", "b"],
        "queue": "{{@Queue}}",
        "arn": "{{@Queue.Arn}}",
        "arn_long": "{{@Queue.Arn}}",
        "sub": "local/{{@Queue.Arn}}/${Literal}/eu-central-1",
        "sub_names": "local local",
        "join": "a,b",
        "select": "b",
        "found": 256,
        "either": "here",
        "listed": [2],
        "both": True,
        "zone": "eu-central-1a",
    }


def test_marks_are_filled_in_when_the_resources_exist(values: dict[str, Any]) -> None:
    attributes = {"Queue": "http://queue", "Queue.Arn": "arn:queue"}
    assert named(values["arn"]) == named(values["queue"]) == "Queue"
    assert resolve(values["sub"], attributes) == "local/arn:queue/${Literal}/eu-central-1"
    assert unresolved(resolve(values["sub"], {}))


def test_a_dynamic_reference_may_name_a_resource() -> None:
    text = "x-{{resolve:secretsmanager:{{@Secret}}:SecretString:key}}"
    assert resolve(text, {"Secret": "arn:secret"}, lambda reference: f"<{reference}>") == "x-<arn:secret:SecretString:key>"


@pytest.mark.parametrize(
    "wrong", ["!Ref Nothing", "!GetAtt Nothing.Arn", "!If [Nothing, 1, 2]", "!Transform {Name: x}", "!Select [5, [1]]"]
)
def test_what_can_not_be_known_is_said(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(f"Resources: {{}}\nValue: {wrong}\n")
    document = read(path)
    with pytest.raises(TemplateProblem):
        Evaluator(document, {}).value(document["Value"])


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(TemplateProblem, match="no parameter Other"):
        Evaluator({"Resources": {}}, {"Other": "x"})
