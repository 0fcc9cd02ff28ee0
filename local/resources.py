"""The AWS resources of a template, made at an endpoint; whatever is there already is used again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.cloudformation import ACCOUNT, REGION, STACK, TemplateProblem, resolve
from local.generated_secrets import MadeValues
from local.template import FUNCTION, Resource, Template
from local.variables import CREDENTIALS

_QUEUE_ATTRIBUTES = (
    "VisibilityTimeout",
    "MessageRetentionPeriod",
    "DelaySeconds",
    "MaximumMessageSize",
    "FifoQueue",
    "ContentBasedDeduplication",
)
# What CloudFormation and S3 call differently.
_CORS_NAMES = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}


class Clients:
    """boto3 clients for one endpoint, made when they are asked for."""

    def __init__(self, endpoint: str, environment: Mapping[str, str] = CREDENTIALS) -> None:
        self._endpoint = endpoint
        self._session = boto3.Session(
            aws_access_key_id=environment.get("AWS_ACCESS_KEY_ID", "local"),
            aws_secret_access_key=environment.get("AWS_SECRET_ACCESS_KEY", "local"),
            aws_session_token=environment.get("AWS_SESSION_TOKEN"),
            region_name=environment.get("AWS_REGION", REGION),
        )

    def make(self, service: str, read_timeout: int = 30) -> Any:
        config = Config(retries={"total_max_attempts": 2}, connect_timeout=5, read_timeout=read_timeout, s3={"addressing_style": "path"})
        return self._session.client(service, endpoint_url=self._endpoint, config=config)  # type: ignore[call-overload]  # the name is a variable

    @cached_property
    def sqs(self) -> Any:
        return self.make("sqs")

    @cached_property
    def s3(self) -> Any:
        return self.make("s3")

    @cached_property
    def kms(self) -> Any:
        return self.make("kms")

    @cached_property
    def events(self) -> Any:
        return self.make("events")


def create(template: Template, clients: Clients, made: MadeValues, mail_from: str) -> dict[str, Any]:
    """Make what the template declares. Returns the attributes: "Queue" for what Ref gives, "Queue.Arn" and so on."""
    attributes: dict[str, Any] = {}
    for function in template.of_type(FUNCTION):
        name = str(function.properties.get("FunctionName", f"{STACK}-{function.name}"))
        attributes |= {function.name: name, f"{function.name}.Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"}
    for role in template.of_type("AWS::IAM::Role"):  # the emulated STS gives any role to anybody
        attributes[f"{role.name}.Arn"] = f"arn:aws:iam::{ACCOUNT}:role/{STACK}-{role.name}"
    for key in template.of_type("AWS::KMS::Key"):
        attributes |= _key(clients.kms, key)
    for alias in template.of_type("AWS::KMS::Alias"):
        attributes |= _alias(clients.kms, alias.properties["AliasName"], resolve(alias.properties["TargetKeyId"], attributes), alias.name)
    for secret in template.of_type("AWS::SecretsManager::Secret"):
        arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{secret.properties.get('Name', secret.name)}-local"
        made.declared(secret, arn)
        attributes |= {secret.name: arn, f"{secret.name}.Arn": arn, f"{secret.name}.Id": arn}
    for queue in _dead_letter_queues_first(template):
        attributes |= _queue(clients.sqs, queue, attributes)
    for bucket in template.of_type("AWS::S3::Bucket"):
        attributes |= _bucket(clients.s3, bucket, attributes)
    for bus in template.of_type("AWS::Events::EventBus"):
        attributes |= _bus(clients.events, bus)
    for configuration_set in template.of_type("AWS::SES::ConfigurationSet"):
        attributes |= _configuration_set(clients.make("sesv2"), configuration_set)
    for rule in template.rules:
        name = str(template.resources[rule.name].properties.get("Name", f"{STACK}-{rule.name}"))
        bus_name = attributes[rule.bus] if rule.bus else "default"
        clients.events.put_rule(Name=name, EventBusName=bus_name, EventPattern=json.dumps(resolve(rule.pattern, attributes)))
        targets = [{"Id": queue, "Arn": attributes[f"{queue}.Arn"]} for queue in rule.queues]
        clients.events.put_targets(Rule=name, EventBusName=bus_name, Targets=targets)
    _allow_mail(clients.make("sesv2"), mail_from)
    return attributes


def _name(resource: Resource, property_name: str) -> str:
    return str(resource.properties.get(property_name) or f"{STACK}-{resource.name}")


def _key(kms: Any, key: Resource) -> dict[str, Any]:
    """Found again by an alias of the stack, because AWS chooses the key's id."""
    alias = f"alias/{STACK}/{key.name}"
    try:
        metadata = kms.describe_key(KeyId=alias)["KeyMetadata"]
    except ClientError:
        metadata = kms.create_key(
            KeySpec=key.properties.get("KeySpec", "SYMMETRIC_DEFAULT"),
            KeyUsage=key.properties.get("KeyUsage", "ENCRYPT_DECRYPT"),
            Description=key.properties.get("Description", ""),
        )["KeyMetadata"]
        kms.create_alias(AliasName=alias, TargetKeyId=metadata["KeyId"])
    return {key.name: metadata["KeyId"], f"{key.name}.Arn": metadata["Arn"], f"{key.name}.KeyId": metadata["KeyId"]}


def _alias(kms: Any, alias: str, key_id: str, name: str) -> dict[str, Any]:
    try:
        kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    except ClientError:
        kms.update_alias(AliasName=alias, TargetKeyId=key_id)
    return {name: alias}


def _dead_letter_queues_first(template: Template) -> list[Resource]:
    queues = list(template.of_type("AWS::SQS::Queue"))
    return sorted(queues, key=lambda queue: "RedrivePolicy" in queue.properties)


def _queue(sqs: Any, queue: Resource, attributes: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {name: str(queue.properties[name]) for name in _QUEUE_ATTRIBUTES if name in queue.properties}
    if "RedrivePolicy" in queue.properties:
        wanted["RedrivePolicy"] = json.dumps(resolve(queue.properties["RedrivePolicy"], attributes))
    name = _name(queue, "QueueName")
    try:
        url = sqs.create_queue(QueueName=name, Attributes=wanted)["QueueUrl"]
    except ClientError as problem:
        if problem.response["Error"]["Code"] not in {"QueueAlreadyExists", "QueueNameExists"}:
            raise
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        wanted.pop("FifoQueue", None)  # the one that can't be changed
        sqs.set_queue_attributes(QueueUrl=url, Attributes=wanted)
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return {queue.name: url, f"{queue.name}.Arn": arn, f"{queue.name}.QueueName": name, f"{queue.name}.QueueUrl": url}


def _bucket(s3: Any, bucket: Resource, attributes: Mapping[str, Any]) -> dict[str, Any]:
    properties = bucket.properties
    name = str(resolve(properties.get("BucketName", f"{STACK}-{bucket.name}"), attributes)).lower()
    try:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    except ClientError as problem:
        if problem.response["Error"]["Code"] not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            raise
    if cors := properties.get("CorsConfiguration"):
        rules = [{_CORS_NAMES.get(name, name): value for name, value in rule.items() if name != "Id"} for rule in cors["CorsRules"]]
        s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})
    if properties.get("VersioningConfiguration", {}).get("Status") == "Enabled":
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    if notifications := properties.get("NotificationConfiguration"):
        if set(notifications) - {"QueueConfigurations"}:
            raise TemplateProblem(f"{bucket.name}: the local stack notifies queues only")
        configurations = [_notification(configuration, attributes) for configuration in notifications.get("QueueConfigurations", [])]
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"QueueConfigurations": configurations})
    return {
        bucket.name: name,
        f"{bucket.name}.Arn": f"arn:aws:s3:::{name}",
        f"{bucket.name}.DomainName": f"{name}.s3.amazonaws.com",
        f"{bucket.name}.RegionalDomainName": f"{name}.s3.{REGION}.amazonaws.com",
    }


def _notification(configuration: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    events = configuration["Event"] if isinstance(configuration["Event"], list) else [configuration["Event"]]
    made: dict[str, Any] = {"QueueArn": resolve(configuration["Queue"], attributes), "Events": events}
    if rules := configuration.get("Filter", {}).get("S3Key", {}).get("Rules"):
        made["Filter"] = {"Key": {"FilterRules": rules}}
    return made


def _bus(events: Any, bus: Resource) -> dict[str, Any]:
    name = _name(bus, "Name")
    try:
        arn = events.create_event_bus(Name=name)["EventBusArn"]
    except ClientError:
        arn = events.describe_event_bus(Name=name)["Arn"]
    return {bus.name: name, f"{bus.name}.Name": name, f"{bus.name}.Arn": arn}


def _configuration_set(ses: Any, configuration_set: Resource) -> dict[str, Any]:
    name = _name(configuration_set, "Name")
    try:
        ses.create_configuration_set(ConfigurationSetName=name)
    except ClientError as problem:
        if problem.response["Error"]["Code"] not in {"AlreadyExistsException", "ConfigurationSetAlreadyExistsException"}:
            raise
    return {configuration_set.name: name}


def _allow_mail(ses: Any, address: str) -> None:
    try:
        ses.create_email_identity(EmailIdentity=address)
    except ClientError as problem:
        if problem.response["Error"]["Code"] != "AlreadyExistsException":
            raise
