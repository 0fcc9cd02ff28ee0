"""What a template declares is made, found again at the next start, and changed where it says something else; the rest is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloudformation import TemplateProblem
from local.custom_resources import CustomResourceFailed, Mailbox, deploy
from local.emulator import Emulator
from local.generated_secrets import MadeValues
from local.resources import Clients, create
from local.template import Resource, load

TEMPLATE = """
Resources:
  Key: {Type: AWS::KMS::Key, Properties: {Description: data}}
  Signing: {Type: AWS::KMS::Key, Properties: {KeySpec: ECC_NIST_P256, KeyUsage: SIGN_VERIFY}}
  Alias: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/data, TargetKeyId: !Ref Key}}
  Role: {Type: AWS::IAM::Role, Properties: {}}
  Pepper: {Type: AWS::SecretsManager::Secret, Properties: {Name: parley/pepper, GenerateSecretString: {PasswordLength: 20}}}
  Jobs:
    Type: AWS::SQS::Queue
    Properties: {VisibilityTimeout: %(visibility)s, RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}}
  Dead: {Type: AWS::SQS::Queue}
  Ordered: {Type: AWS::SQS::Queue, Properties: {QueueName: ordered.fifo, FifoQueue: true, ContentBasedDeduplication: %(deduplicated)s}}
  Files:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: Parley-Files
      VersioningConfiguration: {Status: Enabled}
      CorsConfiguration: {CorsRules: [{Id: a, AllowedMethods: [PUT], AllowedOrigins: ["*"], ExposedHeaders: [ETag], MaxAge: 60}]}
      NotificationConfiguration: {QueueConfigurations: [{Event: ["s3:ObjectCreated:*"], Queue: !GetAtt Jobs.Arn}]}
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: bus}}
  OfBus:
    Type: AWS::Events::Rule
    Properties: {EventBusName: !Ref Bus, EventPattern: {source: [a]}, Targets: [{Id: x, Arn: !GetAtt Jobs.Arn}]}
  OfDefault: {Type: AWS::Events::Rule, Properties: {Name: mine, EventPattern: {source: [b]}, Targets: [{Id: x, Arn: !GetAtt Dead.Arn}]}}
  Mails: {Type: AWS::SES::ConfigurationSet, Properties: {Name: mails}}
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("resources")
    emulator = Emulator(folder / "aws", folder / "aws.log")
    emulator.start()
    yield emulator
    emulator.stop()


@pytest.fixture
def clients(emulator: Emulator) -> Clients:
    return Clients(emulator.endpoint)


def made(clients: Clients, folder: Path, visibility: int = 30, deduplicated: str = "true") -> dict[str, Any]:
    path = folder / "template.yaml"
    path.write_text(TEMPLATE % {"visibility": visibility, "deduplicated": deduplicated})
    return create(load(path), clients, MadeValues(folder / "secrets.json"), "no-reply@parley.example")


def test_a_second_start_finds_everything_again(clients: Clients, tmp_path: Path) -> None:
    first = made(clients, tmp_path)
    assert made(clients, tmp_path) == first
    assert first["Role.Arn"] == "arn:aws:iam::123456789012:role/parley-local-Role"
    assert first["Pepper"] == first["Pepper.Arn"] == first["Pepper.Id"]
    assert clients.kms.describe_key(KeyId="alias/data")["KeyMetadata"]["KeyId"] == first["Key"] == first["Key.KeyId"]
    assert clients.kms.get_public_key(KeyId=first["Signing"])["KeyUsage"] == "SIGN_VERIFY"


def test_what_the_template_says_differently_is_changed_in_what_is_there(clients: Clients, tmp_path: Path) -> None:
    attributes = made(clients, tmp_path)
    clients.sqs.send_message(QueueUrl=attributes["Jobs"], MessageBody="waits")
    before = clients.sqs.get_queue_attributes(QueueUrl=attributes["Jobs"], AttributeNames=["All"])["Attributes"]
    attributes = made(clients, tmp_path, visibility=99, deduplicated="false")
    queue = clients.sqs.get_queue_attributes(QueueUrl=attributes["Jobs"], AttributeNames=["All"])["Attributes"]
    assert queue["VisibilityTimeout"] == "99"
    assert int(queue["ApproximateNumberOfMessages"]) >= int(before["ApproximateNumberOfMessages"]) >= 1
    assert json.loads(queue["RedrivePolicy"]) == {"deadLetterTargetArn": attributes["Dead.Arn"], "maxReceiveCount": 3}
    ordered = clients.sqs.get_queue_attributes(QueueUrl=attributes["Ordered"], AttributeNames=["All"])["Attributes"]
    assert (ordered["FifoQueue"], ordered["ContentBasedDeduplication"]) == ("true", "false")


def test_a_bucket_is_as_the_template_says_in_s3s_own_words(clients: Clients, tmp_path: Path) -> None:
    attributes = made(clients, tmp_path)
    name = attributes["Files"]
    assert name == "parley-files"
    assert attributes["Files.RegionalDomainName"] == "parley-files.s3.eu-central-1.amazonaws.com"
    [rule] = clients.s3.get_bucket_cors(Bucket=name)["CORSRules"]
    assert (rule["ExposeHeaders"], rule["MaxAgeSeconds"], rule["AllowedMethods"]) == (["ETag"], 60, ["PUT"])
    assert clients.s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    for body in (b"one", b"two"):
        clients.s3.put_object(Bucket=name, Key="twice", Body=body)
    assert len(clients.s3.list_object_versions(Bucket=name, Prefix="twice")["Versions"]) == 2


def test_events_reach_the_queues_of_their_rules_and_no_others(clients: Clients, tmp_path: Path) -> None:
    attributes = made(clients, tmp_path)
    for queue in ("Jobs", "Dead"):
        clients.sqs.purge_queue(QueueUrl=attributes[queue])
    entry = {"DetailType": "x", "Detail": "{}"}
    entries = [entry | {"EventBusName": attributes["Bus"], "Source": "a"}, entry | {"EventBusName": attributes["Bus"], "Source": "b"}]
    clients.events.put_events(Entries=[*entries, entry | {"Source": "b"}, entry | {"Source": "a"}])

    def sources(queue: str) -> list[str]:
        got = clients.sqs.receive_message(QueueUrl=attributes[queue], MaxNumberOfMessages=10, WaitTimeSeconds=1)
        bodies = [json.loads(message["Body"]) for message in got.get("Messages", [])]
        return [body["source"] for body in bodies if "source" in body]

    assert (sources("Jobs"), sources("Dead")) == (["a"], ["b"])


def test_mail_may_be_sent_from_the_address_of_the_settings_alone(clients: Clients, tmp_path: Path) -> None:
    made(clients, tmp_path)
    ses = clients.make("ses")
    wanted = {"Destination": {"ToAddresses": ["a@b.example"]}, "Message": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}}
    assert ses.send_email(Source="no-reply@parley.example", **wanted)["MessageId"]
    with pytest.raises(ses.exceptions.ClientError, match="not verified"):
        ses.send_email(Source="other@parley.example", **wanted)


def test_a_bucket_that_would_notify_anything_but_queues_is_refused(clients: Clients, tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    notifications = "{LambdaConfigurations: [{Event: 's3:ObjectCreated:*', Function: x}]}"
    path.write_text(f"Resources:\n  Files: {{Type: AWS::S3::Bucket, Properties: {{NotificationConfiguration: {notifications}}}}}\n")
    with pytest.raises(TemplateProblem, match="Files: the local stack notifies queues only"):
        create(load(path), clients, MadeValues(tmp_path / "secrets.json"), "no-reply@parley.example")


# --- custom resources --------------------------------------------------------------------------------------------------------------------


def custom(**properties: Any) -> Resource:
    return Resource("Keys", "Custom::Keys", {"ServiceToken": "{{@Maker.Arn}}"} | properties)


def run(answer: Any, physical_id: str | None = None, put: bytes | None = None, **properties: Any) -> tuple[dict[str, Any], Any]:
    """What a custom resource adds, and the event that its function got. put: what the function leaves at the ResponseURL."""
    import urllib.request

    events: list[Any] = []

    def invoke(name: str, event: Any) -> Any:
        assert name == "Maker"
        events.append(event)
        if put is not None:
            urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], put, method="PUT"))
        return answer

    with Mailbox() as mailbox:
        return deploy(custom(**properties), invoke, {"Key": "key-1"}, mailbox, physical_id), events[0]


def test_what_a_custom_resource_answers_become_its_attributes() -> None:
    added, event = run({"PhysicalResourceId": "id-1", "Data": {"Jwks": "{}", "N": 1}}, Key="{{@Key}}")
    assert added == {"Keys": "id-1", "Keys.Jwks": "{}", "Keys.N": 1}
    assert (event["RequestType"], event["ResourceProperties"]["Key"], "PhysicalResourceId" in event) == ("Create", "key-1", False)


def test_at_the_next_start_it_is_an_update_of_the_same() -> None:
    added, event = run({}, "id-1")
    assert (event["RequestType"], event["PhysicalResourceId"]) == ("Update", "id-1")
    assert added == {"Keys": "Keys"}, "a name of its own it has only by saying so"


def test_what_lies_at_the_address_counts_before_what_is_returned() -> None:
    added, _ = run({"Status": "FAILED"}, put=b'{"Status": "SUCCESS", "PhysicalResourceId": "put", "Data": {"A": "b"}}')
    assert added == {"Keys": "put", "Keys.A": "b"}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"Status": "FAILED", "Reason": "no such key"}, "Keys: no such key"),
        ({"Status": "FAILED"}, "Keys: failed without a reason"),
        ({"Status": "Success"}, "Keys: failed without a reason"),
        (None, "Keys: Maker left no answer at the ResponseURL and returned none"),
        ("done", "Keys: Maker left no answer"),
    ],
)
def test_a_custom_resource_that_fails_ends_the_start_with_its_reason(answer: Any, sentence: str) -> None:
    with pytest.raises(CustomResourceFailed) as failure:
        run(answer)
    assert sentence in str(failure.value)


def test_a_custom_resource_of_no_function_is_a_problem_of_the_template() -> None:
    with Mailbox() as mailbox, pytest.raises(TemplateProblem, match="Keys: its ServiceToken must be a function of this template"):
        deploy(custom(ServiceToken="arn:aws:sns:elsewhere"), lambda name, event: {}, {}, mailbox)
