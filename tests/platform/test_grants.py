"""Every function may call of AWS what its code calls, and nothing else. No test on this machine would be refused for a missing right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from local.cloudformation import read
from local.template import load
from tests.platform.call_graph import ROOT, handlers, mentioned, reached, settings, symbols
from tests.platform.function_policies import of_role, policies

DOCUMENT = read(ROOT / "template.yaml")
TEMPLATE = load(ROOT / "template.yaml")

# The ways to AWS. Who mentions one of them stands in CALLS, or only carries what another one asked for.
DOORS = {
    f"parley.kernel.{name}"
    for name in ("signed.call", "signed.invoke", "signed.presign", "signed.call_by_form", "signed.send_message", "aws.client")
}
CARRIERS = {
    "parley.kernel.aws.aws_requests.send_message",
    "parley.kernel.persistence.outbox.kick",  # of every transaction; something is sent by those that announce
    "parley.kernel.aws.s3_objects.put",  # where to, its callers know
    "parley.kernel.aws.s3_objects.get",
}

DATABASE = {"rds-db:connect ${Id}/parley_app"}
RELAY = {"sqs:SendMessage RelayQueue"}
# S3 calls KMS with the rights of who calls S3; for the parts of an upload it needs both.
# What reaches a recording is a role that is taken for one organization, and its session's tag stands in the resource.
TAG = "aws:PrincipalTag/organization_id"
OWN_RECORDINGS = f"MediaBucket/recordings/${{!{TAG}}}/*"
AS_TENANT = {"sts:AssumeRole for an organization", "sts:TagSession for an organization"}
WRITE = {f"s3:PutObject {OWN_RECORDINGS}", "kms:GenerateDataKey StorageKey", "kms:Decrypt StorageKey"}
# Without the list, an object that is not there is answered 403.
READ = {f"s3:GetObject {OWN_RECORDINGS}", "s3:ListBucket MediaBucket", "kms:Decrypt StorageKey"}
CALLS = {
    "parley.kernel.persistence.transactions.transaction": DATABASE,
    "parley.kernel.persistence.transactions.joining": DATABASE,
    "parley.kernel.persistence.transactions.personal": DATABASE,
    "parley.kernel.persistence.transactions.bearing": DATABASE,
    "parley.kernel.persistence.transactions.lookup": DATABASE,
    "parley.kernel.persistence.transactions.lookup_bearing": DATABASE,
    "parley.kernel.postgres.authorizer_lookup.lookup_of": DATABASE,
    "parley.kernel.persistence.transactions.sweep": DATABASE,
    "parley.kernel.postgres.migrations.owner": {"rds-db:connect ${Id}/parley_owner"},
    "parley.kernel.persistence.outbox.announce": RELAY,
    "parley.kernel.persistence.outbox.announce_all": RELAY,
    "parley.kernel.outbound.event_bus.publish": {"events:PutEvents Bus"},
    "parley.kernel.persistence.column_encryption._sealing_key": {"kms:GenerateDataKey DataKey"},
    "parley.kernel.persistence.column_encryption._unwrapped": {"kms:Decrypt DataKey"},
    "parley.scheduling.calendar_connections.provider_calls.ask": {"lambda:InvokeFunction SchedulingAskCalendar"},
    "parley.scheduling.pages.captcha._answered": {"lambda:InvokeFunction SchedulingCheckCaptcha"},
    "parley.inbox.account_verification.ask": {"lambda:InvokeFunction InboxAskPlatform"},
    "parley.identity.sessions.token_signing_keys.published": {"kms:GetPublicKey TokenKey"},
    "parley.identity.sessions.token_signing_keys.sign": {"kms:Sign TokenKey"},
    "parley.kernel.aws.tenant_credentials._assumed": AS_TENANT,
    "parley.recordings.presigned_urls._put": WRITE,
    "parley.recordings.presigned_urls.download": READ,
    "parley.recordings.object_storage.head": READ,
    "parley.recordings.object_storage.delete": {f"s3:DeleteObject {OWN_RECORDINGS}"},
    "parley.recordings.object_storage.begin_multipart": WRITE,
    "parley.recordings.object_storage.complete_multipart": WRITE,
    "parley.recordings.object_storage.abort_multipart": {f"s3:AbortMultipartUpload {OWN_RECORDINGS}"},
    "webhooks.on_event.EFFECTS": {"sqs:SendMessage WebhookEvents", "sqs:SendMessage WebhookRequests"},
    "webhooks.send_request.send": {"sqs:SendMessage WebhookEvents"},
    "webhooks.sweep_deliveries.wake": {"sqs:SendMessage WebhookEvents"},
    "scheduling.on_workflow_event.EFFECTS": {"sqs:SendMessage SchedulingWorkflows"},
    "scheduling.sweep_reminders.queue": {"sqs:SendMessage SchedulingWorkflows"},
    "parley.notifications.sns.send": {"sns:Publish not *"},  # to a telephone, and to no topic
    "scheduling.sweep_calendars.sending": {"sqs:SendMessage CalendarJobs"},
    "inbox.receive_webhook.receive_webhook": {
        "sqs:SendMessage InboxWebhooks",
        "s3:PutObject MediaBucket/webhooks/*",
        "kms:GenerateDataKey StorageKey",
    },
    "inbox.on_webhook_received.receive": {
        "s3:GetObject MediaBucket/webhooks/*",
        "s3:GetObject MediaBucket/quarantine/webhooks/*",
        "s3:GetObject MediaBucket/set-aside/webhooks/*",
        "kms:Decrypt StorageKey",
    },
    "inbox.on_webhook_received.quarantine": {"s3:PutObject MediaBucket/quarantine/webhooks/*", "kms:GenerateDataKey StorageKey"},
    "parley.notifications.email.ses.send": {
        f"ses:{action} {resource}"
        for action in ("SendEmail", "SendRawEmail")
        for resource in ("identity/${MailDomain}", "identity/no-reply@${MailDomain}", "configuration-set/${MailEvents}")
    },
}
# Writes to the trail who asked for what is not theirs: only callers that an authorizer has named, whose routes reach the database anyway.
UNLESS_NAMED = frozenset({"parley.kernel.edge.http._audit_refusal"})
# What the code that handlers share does for the parameters that a route takes, by the type of one: it seals the answer that is kept for a
# key, and counts a visitor who came to no transaction.
BY_PARAMETER = {
    "SealedIdempotencyKey": frozenset({"parley.kernel.persistence.idempotency._seal", "parley.kernel.persistence.idempotency._unseal"}),
    "Visitor": frozenset({"parley.kernel.edge.http._settle"}),
}
FROM_LAMBDA = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}


def passed_by(handler: str) -> frozenset[str]:
    """What a handler does not come to, although the code that it shares with others leads there."""
    source = ROOT.joinpath("functions", *handler.split(".")).with_suffix(".py").read_text()
    return frozenset().union(*(symbols for name, symbols in BY_PARAMETER.items() if not re.search(rf"\b{name}\b", source)))


def name_of(handler: str) -> str:
    return "".join(word.capitalize() for word in handler.replace(".", "_").split("_"))


def _listed(node: Any) -> list[Any]:
    return node if isinstance(node, list) else [node]


def _target(resource: Any) -> str:
    """A resource in a few words: `RelayQueue`, `MediaBucket/recordings/*`, or the end of an ARN that is written out."""
    if "Fn::GetAtt" in resource:
        return str(resource["Fn::GetAtt"][0])
    text = _listed(resource["Fn::Sub"])[0]
    return str(text.removeprefix("${").replace(".Arn}", "", 1) if text.startswith("${") else text.rpartition(":")[2])


def statements(policies: list[Any]) -> Iterator[Any]:
    for policy in policies:
        document = DOCUMENT["Resources"][policy["Ref"]]["Properties"]["PolicyDocument"] if "Ref" in policy else policy
        yield from document["Statement"]


def granted(policies: list[Any]) -> Iterator[str]:
    """What policies grant, those of the roles among it that may be taken for an organization."""
    for statement in statements(policies):
        assert statement["Effect"] == "Allow"
        on = [_target(entry) for entry in _listed(statement.get("Resource", []))]
        if "sts:AssumeRole" in statement["Action"]:
            yield from (f"{action} for an organization" for action in statement["Action"])
            for role in on:
                yield from granted(of_role(DOCUMENT, role))
            continue
        but_not = [f"not {_target(entry)}" for entry in _listed(statement.get("NotResource", []))]
        yield from (f"{action} {target}" for action in _listed(statement["Action"]) for target in on + but_not)


@pytest.mark.parametrize("handler", handlers())
def test_a_function_may_do_what_its_code_does_and_nothing_else(handler: str) -> None:
    needed = [CALLS[symbol] for symbol in reached(handler, UNLESS_NAMED | passed_by(handler)) if symbol in CALLS]
    assert set(granted(policies(DOCUMENT, name_of(handler)))) == set().union(*needed)


def _taken(name: str) -> list[str]:
    """The roles that a function may take."""
    taking = [statement for statement in statements(policies(DOCUMENT, name)) if "sts:AssumeRole" in statement["Action"]]
    return [_target(statement["Resource"]) for statement in taking]


@pytest.mark.parametrize("handler", handlers())
def test_a_function_takes_the_role_that_it_may_take(handler: str) -> None:
    variables = DOCUMENT["Resources"][name_of(handler)]["Properties"].get("Environment", {"Variables": {}})["Variables"]
    named = [variables["TENANT_ROLE_ARN"]] if "TENANT_ROLE_ARN" in variables else []
    assert named == [{"Fn::GetAtt": [role, "Arn"]} for role in _taken(name_of(handler))]


@pytest.mark.parametrize("role", sorted({role for handler in handlers() for role in _taken(name_of(handler))}))
def test_a_role_for_organizations_reaches_objects_of_the_one_that_it_was_taken_for(role: str) -> None:
    [trust] = DOCUMENT["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {
        "StringLike": {"aws:RequestTag/organization_id": "????????-????-????-????-????????????"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["organization_id"]},
    }
    for statement in statements(of_role(DOCUMENT, role)):
        if statement["Action"] == "s3:ListBucket":
            assert statement["Condition"] == {"StringLikeIfExists": {"s3:prefix": f"recordings/${{{TAG}}}/*"}}
        elif statement["Action"] == "kms:Decrypt" or "kms:Decrypt" in statement["Action"]:
            assert list(statement["Condition"]["StringEquals"]) == ["kms:ViaService"]  # what S3 does for whom may reach the object
        else:
            assert _target(statement["Resource"]) == OWN_RECORDINGS


def test_every_call_of_aws_is_in_the_table() -> None:
    all_symbols = set(symbols())
    assert {symbol for symbol in all_symbols if DOORS & mentioned(symbol)} - CARRIERS <= CALLS.keys() <= all_symbols


@pytest.mark.parametrize("handler", handlers())
def test_a_function_has_the_settings_that_its_code_asks_for_and_no_others_of_its_own(handler: str) -> None:
    requirements = {asking for symbol in reached(handler, passed_by(handler)) for asking in settings(symbol)}
    has = TEMPLATE.functions[name_of(handler)].environment.keys()
    assert {name for name, is_needed in requirements if is_needed} - FROM_LAMBDA <= has
    own = DOCUMENT["Resources"][name_of(handler)]["Properties"].get("Environment", {"Variables": {}})["Variables"]
    variable_names = {name for name, value in own.items() if value != {"Ref": "AWS::NoValue"}}
    assert variable_names - {name for name, _ in requirements} == set()


@pytest.mark.parametrize("handler", handlers())
def test_who_uses_no_database_does_not_know_how_to_open_it(handler: str) -> None:
    uses = any(DATABASE & CALLS.get(symbol, set()) for symbol in reached(handler, UNLESS_NAMED | passed_by(handler)))
    own = DOCUMENT["Resources"][name_of(handler)]["Properties"].get("Environment", {"Variables": {}})["Variables"]
    assert uses or handler == "platform.migrate" or own["DATABASE_URL"] == {"Ref": "AWS::NoValue"}
