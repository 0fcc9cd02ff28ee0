from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local.cloudformation import TemplateProblem, read
from local.stacks import split, write

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Conditions: {Always: !Equals [a, a], Never: !Not [!Condition Always], OnlyOfFunctions: !Equals [a, b]}
Globals: {Function: {Runtime: python3.13, Layers: [!Ref Layer]}}
Resources:
  Layer: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/one/}}
  Far: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: "s3://bucket/key"}}
  ApiRole: {Type: AWS::IAM::Role, Properties: {}}
  Jobs: {Type: AWS::SQS::Queue, Condition: Never}
  Api: {Type: AWS::Serverless::HttpApi, Properties: {FailOnWarnings: true}}
  Made: {Type: Custom::Made, Properties: {ServiceToken: !GetAtt FrontMake.Arn}}
  FrontMake:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: front/, Handler: make.h, LoggingConfig: {LogGroup: !Ref FrontLogs}}
  FrontShow:
    Type: AWS::Serverless::Function
    DependsOn: Made
    Properties:
      CodeUri: front/
      Handler: show.h
      LoggingConfig: {LogGroup: !Ref FrontLogs}
      Events:
        Get: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: /things}}
        Post: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: ANY, Path: "/things/{id}", Auth: {Authorizer: NONE}}}
  FrontRefuse:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: front/
      Handler: refuse.h
      LoggingConfig: {LogGroup: !Ref FrontLogs}
      Events: {Http: {Type: HttpApi, Properties: {ApiId: !Ref Api}}}
  BackWork:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: back/
      Handler: work.h
      LoggingConfig: {LogGroup: !Ref BackLogs}
      Environment: {Variables: {ASK: !Ref BackAsk, OTHER: !Ref FrontShared, IF: !If [OnlyOfFunctions, 1, 2]}}
      Events: {Queue: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn}}}
  BackAsk:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: back/, Handler: ask.h, LoggingConfig: {LogGroup: !Ref BackLogs}}
  FrontShared:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: front/, Handler: shared.h, LoggingConfig: {LogGroup: !Ref FrontLogs}, Tags: {of: !Ref FrontDeep}}
  FrontDeep:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: front/, Handler: deep.h, LoggingConfig: {LogGroup: !Ref FrontLogs}}
  FrontLogs: {Type: AWS::Logs::LogGroup}
  BackLogs: {Type: AWS::Logs::LogGroup}
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE)
    return path


@pytest.fixture
def made(source: Path) -> dict[str, Any]:
    return split(read(source))


def test_functions_of_a_domain_share_a_stack(made: dict[str, Any]) -> None:
    assert {name: set(template["Resources"]) for name, template in made.items() if name != "stacks.yaml"} == {
        "stacks-front.yaml": {"FrontShow"},
        "stacks-back.yaml": {"BackWork", "BackAsk"},
    }


def test_a_function_stays_where_the_root_or_another_domain_names_it_and_what_it_names_stays_too(made: dict[str, Any]) -> None:
    root = made["stacks.yaml"]["Resources"]
    assert {name for name, resource in root.items() if resource["Type"] == "AWS::Serverless::Function"} == {
        "FrontMake",  # a custom resource is made by it
        "FrontRefuse",  # the default route
        "FrontShared",  # another domain calls it
        "FrontDeep",  # and it calls this
    }


def test_a_nested_stack_gets_what_its_functions_name_and_waits_for_what_they_wait_for(made: dict[str, Any]) -> None:
    root = made["stacks.yaml"]["Resources"]
    assert root["FrontFunctions"] == {
        "Type": "AWS::CloudFormation::Stack",
        "DependsOn": ["Made"],
        "Properties": {
            "TemplateURL": "stacks-front.yaml",
            "Parameters": {"FrontLogs": {"Ref": "FrontLogs"}, "Layer": {"Ref": "Layer"}, "StackName": {"Ref": "AWS::StackName"}},
        },
    }
    back = root["BackFunctions"]["Properties"]["Parameters"]
    assert back["JobsArn"] == {"Fn::If": ["Never", {"Fn::GetAtt": ["Jobs", "Arn"]}, ""]}
    assert back["FrontShared"] == {"Ref": "FrontShared"}
    variables = made["stacks-back.yaml"]["Resources"]["BackWork"]["Properties"]["Environment"]["Variables"]
    assert variables["ASK"] == {"Ref": "BackAsk"}
    assert made["stacks-back.yaml"]["Conditions"].keys() == {"OnlyOfFunctions"}


def test_routes_of_what_left_stand_in_the_definition_with_one_integration_for_each_function(made: dict[str, Any]) -> None:
    api = made["stacks.yaml"]["Resources"]["Api"]
    assert api["DependsOn"] == ["BackFunctions", "FrontFunctions"]
    assert api["Properties"]["FailOnWarnings"] is True
    body = api["Properties"]["DefinitionBody"]
    assert body["components"]["x-amazon-apigateway-integrations"].keys() == {"FrontShow"}
    assert "security" not in body["paths"]["/things"]["get"]  # SAM sets the default authorizer
    assert body["paths"]["/things/{id}"]["x-amazon-apigateway-any-method"]["security"] == [{"NONE": []}]
    shown = made["stacks-front.yaml"]["Resources"]["FrontShow"]
    assert shown["Properties"]["FunctionName"] == {"Fn::Sub": "${StackName}-FrontShow"}
    assert "Events" not in shown["Properties"] and "DependsOn" not in shown


def test_conditions_that_only_functions_asked_leave_with_them(made: dict[str, Any]) -> None:
    assert made["stacks.yaml"]["Conditions"].keys() == {"Always", "Never"}


def test_files_find_what_the_template_found(source: Path) -> None:
    (source.parent / "made").mkdir()
    (source.parent / "made" / "stacks-gone.yaml").write_text("of an earlier build")
    written = write(source, source.parent / "made")
    assert sorted(path.name for path in written) == ["merged.yaml", "stacks-back.yaml", "stacks-front.yaml", "stacks.yaml"]
    assert {path.name for path in (source.parent / "made").iterdir()} == {path.name for path in written}
    resources = read(source.parent / "made" / "stacks.yaml")["Resources"]
    assert resources["Layer"]["Properties"]["ContentUri"] == "../layers/one"
    assert resources["Far"]["Properties"]["ContentUri"] == "s3://bucket/key"
    assert resources["FrontFunctions"]["Properties"]["TemplateURL"] == "stacks-front.yaml"
    assert read(source.parent / "made" / "stacks-front.yaml")["Resources"]["FrontShow"]["Properties"]["CodeUri"] == "../front"


def test_a_function_that_needs_the_api_before_the_api_is_made_is_refused(source: Path) -> None:
    source.write_text(TEMPLATE.replace("ASK: !Ref BackAsk", "ASK: !Ref Api"))
    with pytest.raises(TemplateProblem, match="BackWork refers to the API"):
        split(read(source))
