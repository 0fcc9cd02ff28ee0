"""What template.yaml has to hold, whoever adds the next function."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloudformation import named, read
from local.function_blocks import fresh
from local.template import Resource, Template, load
from tests.platform.function_policies import policies

ROOT = Path(__file__).parents[2]
TEMPLATES = [ROOT / "template.yaml", *sorted((ROOT / "infrastructure").glob("*.yaml"))]
DOCUMENT = read(ROOT / "template.yaml")
TEMPLATE: Template = load(ROOT / "template.yaml")
FUNCTIONS = TEMPLATE.functions
QUEUES = list(TEMPLATE.of_type("AWS::SQS::Queue"))
HANDLERS = sorted(path for path in (ROOT / "functions").glob("*/*.py") if not path.name.startswith("_"))

LONGEST_ANSWER = 30  # seconds that the API waits for a function
PUBLIC = {
    "POST /v1/auth/invitations/show",
    "POST /v1/auth/invitations/decline",
    "GET /agreements/{token}",
    "POST /agreements/{token}",
    "GET /invitations/{token}",
    "POST /invitations/{token}",
    "GET /health",
    "GET /docs",
    "GET /openapi.json",
    "GET /v1/identity/scopes",
    "ANY $default",
    "GET /v1/scheduling/event-types/{event_type_id}/slots",
    "GET /v1/scheduling/event-types/{event_type_id}/public",
    "POST /v1/scheduling/bookings",
    "POST /v1/scheduling/event-types/{event_type_id}/holds",
    "GET /v1/scheduling/links/{organization_slug}/{event_type_slug}",
    "GET /v1/scheduling/routing-forms/{form_id}/public",
    "GET /v1/scheduling/links/{organization_slug}/forms/{form_slug}",
    "POST /v1/scheduling/routing-forms/{form_id}/submissions",
    "POST /v1/scheduling/managed-bookings/{token}/reschedule",
    "GET /{organization}",
    "GET /{organization}/{event_type}",
    "POST /{organization}/{event_type}",
    "GET /embed.js",
    "GET /bookings/{token}",
    "POST /bookings/{token}",
    "GET /hosts/{token}",
    "POST /hosts/{token}",
    "GET /v1/scheduling/managed-bookings/{token}",
    "POST /v1/scheduling/managed-bookings/{token}/cancel",
    "GET /v1/scheduling/calendars/connect/{provider}/callback",
    "POST /v1/scheduling/calendars/push/google/{channel}",
    "POST /v1/scheduling/calendars/push/microsoft/{channel}",
    "GET /v1/webhooks/whatsapp",
    "POST /v1/webhooks/whatsapp",
    "POST /v1/webhooks/payments",
    "POST /v1/saml/discover",
    "GET /saml/{organization_id}/metadata",
    "GET /saml/{organization_id}/login",
    "POST /saml/{organization_id}/acs",
    "GET /v1/auth/providers",
    "GET /v1/auth/providers/{provider}/start",
    "GET /v1/auth/providers/{provider}/callback",
    "POST /v1/auth/providers/{provider}/callback",
    "GET /v1/auth/providers/{provider}/complete",
    "GET /.well-known/jwks.json",
    "GET /links/{token}",
    "POST /links/{token}",
    "POST /v1/auth/register",
    "POST /v1/auth/verify-email",
    "POST /v1/auth/login",
    "POST /v1/auth/login/second-factor",
    "POST /v1/auth/magic-link",
    "POST /v1/auth/magic-link/redeem",
    "POST /v1/auth/password-reset",
    "POST /v1/auth/password-reset/redeem",
    "POST /v1/auth/refresh",
    "POST /v1/auth/logout",
}
# Who knows what no other function may know.
KNOWN_TO = {
    "DATABASE_OWNER_URL": {"PlatformMigrate"},
    "WHATSAPP_APP_SECRET": {"InboxReceiveWebhook"},
    "WHATSAPP_VERIFY_TOKEN": {"InboxVerifyWebhook"},
    "DATA_KEY_ID": {
        "SchedulingHoldSlot",
        "SchedulingConnectCalendar",
        "SchedulingOnCalendarJob",
        "SchedulingCreateWorkflow",
        "SchedulingFinishCalendarConsent",
        "WebhooksCreateSubscription",
        "WebhooksUpdateSubscription",
        "WebhooksRotateSecret",
        "InboxCreateConnection",
    },
    "CALENDAR_PROVIDERS": {"SchedulingAskCalendar", "SchedulingStartCalendarConsent", "SchedulingFinishCalendarConsent"},
    "CAPTCHA_SECRET": {"SchedulingCheckCaptcha"},
    "PAYMENT_WEBHOOK_SECRET": set(),
    "PEPPER": {
        "SchedulingListSlots",
        "SchedulingGetEventTypePage",
        "SchedulingGetEventTypeLink",
        "SchedulingHoldSlot",
        "SchedulingCreateBooking",
        "SchedulingGetManagedBookingPage",
        "SchedulingSubmitManagedBookingPage",
        "SchedulingGetHostPage",
        "SchedulingSubmitHostPage",
        "SchedulingGetManagedBooking",
        "SchedulingCancelManagedBooking",
        "SchedulingRescheduleManagedBooking",
        "SchedulingBookForInvitee",
        "SchedulingRescheduleBooking",
        "SchedulingReassignBooking",
        "SchedulingOnBookingChanged",
        "SchedulingOnCalendarJob",
        "SchedulingCreateWorkflow",
        "SchedulingUpdateWorkflow",
        "SchedulingGetAgreementPage",
        "SchedulingSubmitAgreementPage",
        "SchedulingOnWorkflowEvent",
        "SchedulingGetRoutingFormPage",
        "SchedulingGetRoutingFormLink",
        "SchedulingSubmitRoutingForm",
        "SchedulingStartCalendarConsent",
        "SchedulingFinishCalendarConsent",
        "SchedulingReceiveGooglePush",
        "SchedulingReceiveMicrosoftPush",
        "SchedulingGetOrganizationPage",
        "SchedulingGetBookingPage",
        "SchedulingSubmitBookingPage",
        "WebhooksCreateSubscription",
        "WebhooksUpdateSubscription",
        "WebhooksEnableSubscription",
        "WebhooksPingSubscription",
        "WebhooksOnEvent",
        "PlatformOnMailFeedback",
        "PlatformReleaseAddress",
    },
}


def properties(name: str) -> dict[str, Any]:
    """As written, with intrinsic functions; without Globals."""
    values: dict[str, Any] = DOCUMENT["Resources"][name].get("Properties", {})
    return values


def camel(words: str) -> str:
    return "".join(word.capitalize() for word in words.split("_"))


def is_for_dead_letters(queue: Resource) -> bool:
    return queue.name.endswith("DeadLetters")


# --- functions ---------------------------------------------------------------------------------------------------------------------------


def test_the_functions_are_what_their_files_say() -> None:
    text = (ROOT / "template.yaml").read_text()
    assert fresh(text) == text, "run `make template`"


def test_every_handler_is_deployed_and_every_function_has_a_handler() -> None:
    deployed = {(function.folder.name, function.module) for function in FUNCTIONS.values()}
    assert deployed == {(path.parent.name, path.stem) for path in HANDLERS}
    assert {function.attribute for function in FUNCTIONS.values()} == {"lambda_handler"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_called_after_its_file(name: str) -> None:
    assert name == camel(FUNCTIONS[name].folder.name) + camel(FUNCTIONS[name].module)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_writes_to_the_logs_of_its_domain_which_end(name: str) -> None:
    group = properties(name)["LoggingConfig"]["LogGroup"]["Ref"]
    assert group == f"{camel(FUNCTIONS[name].folder.name)}Logs"
    assert properties(group)["RetentionInDays"]


def test_runtime_memory_and_timeout_are_chosen() -> None:
    shared = DOCUMENT["Globals"]["Function"]
    # SAM and cfn-lint accept any runtime that looks like one.
    assert shared["Runtime"] == "python3.13"
    assert not [name for name in FUNCTIONS if "Runtime" in properties(name)]
    assert all(512 <= function.memory <= 3008 and 5 <= function.timeout <= 900 for function in FUNCTIONS.values())
    assert shared["Layers"] == [{"Ref": "DependenciesLayer"}, {"Ref": "ParleyLayer"}]


def test_a_request_is_answered_before_the_api_gives_up() -> None:
    called = {route.function for route in TEMPLATE.routes} | {authorizer.function for authorizer in _api().authorizers.values()}
    assert all(FUNCTIONS[name].timeout < LONGEST_ANSWER for name in called)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_reaches_the_database_waits_for_the_migrations_and_lies_in_the_network(name: str) -> None:
    waits = "Migrations" in TEMPLATE.resources[name].depends_on
    reaches = {"Ref": "ReachDatabase"} in policies(DOCUMENT, name)
    is_in_network = "VpcConfig" not in properties(name)  # Globals put it there
    if name == "PlatformMigrate":  # is what they wait for, and has a right of its own
        assert (waits, reaches, is_in_network) == (False, False, True)
    else:
        assert waits == reaches == is_in_network


def test_a_variable_means_the_same_everywhere() -> None:
    values: dict[str, set[str]] = {}
    for function in FUNCTIONS.values():
        for name, value in function.environment.items():
            values.setdefault(name, set()).add(str(value))
    values.pop("TENANT_ROLE_ARN")  # who may write takes another role than who may read
    assert {name: value_set for name, value_set in values.items() if len(value_set) > 1} == {}


@pytest.mark.parametrize("name", KNOWN_TO)
def test_a_secret_is_known_to_few(name: str) -> None:
    # Secrets are identity's trade; `test_grants` holds each of its functions to what its code asks for.
    others = {function.name for function in FUNCTIONS.values() if function.folder.name not in ("identity", "saml", "scim")}
    assert {name_ for name_ in others if name in FUNCTIONS[name_].environment} == KNOWN_TO[name]


def test_every_variable_is_explained_in_the_example() -> None:
    explained = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert {name for function in FUNCTIONS.values() for name in function.environment} <= explained


# --- API ---------------------------------------------------------------------------------------------------------------------------------


def _api() -> Any:
    assert TEMPLATE.api is not None
    return TEMPLATE.api


def test_only_these_routes_are_public() -> None:
    assert {f"{route.method} {route.path}" for route in TEMPLATE.routes if route.authorizer is None} == PUBLIC
    assert {route.authorizer for route in TEMPLATE.routes} == {None, "Caller"}


def test_no_route_is_declared_twice() -> None:
    declared = [(route.method, route.path) for route in TEMPLATE.routes]
    assert len(declared) == len(set(declared))


def test_the_api_is_throttled_and_logs_no_path() -> None:
    api = properties("Api")
    assert api["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    written = json.loads(api["AccessLogSettings"]["Format"])
    # The path of a booking's link holds its token.
    assert not {"$context.path", "$context.http.path", "$context.extendedRequestId"} & set(written.values())
    assert "$context.routeKey" in written.values()


# --- queues ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.name)
def test_a_queue_is_encrypted_and_gives_up_into_another_one(queue: Resource) -> None:
    assert queue.properties["SqsManagedSseEnabled"] is True
    if is_for_dead_letters(queue):
        assert queue.properties["MessageRetentionPeriod"] == 14 * 86400
    else:
        redrive = queue.properties["RedrivePolicy"]
        assert named(redrive["deadLetterTargetArn"]) == f"{queue.name}DeadLetters"
        assert redrive["maxReceiveCount"] >= 5


@pytest.mark.parametrize("source", TEMPLATE.sources, ids=lambda source: source.queue)
def test_a_message_stays_hidden_for_six_times_the_worker_and_fails_alone(source: Any) -> None:
    assert TEMPLATE.resources[source.queue].properties["VisibilityTimeout"] >= 6 * FUNCTIONS[source.function].timeout
    assert source.partial
    assert 2 <= source.concurrency <= 20  # the database's connections are few


def test_every_queue_has_its_worker_and_its_alarms() -> None:
    worked = {queue.name for queue in QUEUES if not is_for_dead_letters(queue)}
    assert {source.queue for source in TEMPLATE.sources} == worked
    watched = {
        (named(alarm.properties["Dimensions"][0]["Value"]), alarm.properties["MetricName"])
        for alarm in TEMPLATE.of_type("AWS::CloudWatch::Alarm")
        if alarm.properties.get("Namespace") == "AWS/SQS"
    }
    assert watched == {(name, "ApproximateAgeOfOldestMessage") for name in worked} | {
        (queue.name, "ApproximateNumberOfMessagesVisible") for queue in QUEUES if is_for_dead_letters(queue)
    }


def test_rules_may_send_where_they_send_and_lose_nothing() -> None:
    allowed = {
        named(queue): _texts(policy.properties["PolicyDocument"])
        for policy in TEMPLATE.of_type("AWS::SQS::QueuePolicy")
        for queue in policy.properties["Queues"]
    }
    for rule in TEMPLATE.rules:
        for target in TEMPLATE.resources[rule.name].properties["Targets"]:
            for queue in (named(target["Arn"]), named(target["DeadLetterConfig"]["Arn"])):
                assert f"{{{{@{rule.name}.Arn}}}}" in allowed[queue]
    assert "s3.amazonaws.com" in allowed["RecordingsUploads"]


# --- storage and keys --------------------------------------------------------------------------------------------------------------------


def test_the_bucket_is_private_encrypted_and_forgets_what_was_never_completed() -> None:
    bucket = TEMPLATE.resources["MediaBucket"].properties
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert encryption["BucketKeyEnabled"]
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules["incomplete-uploads"]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] <= 2
    longest = TEMPLATE.resources["InboxWebhooks"].properties["MessageRetentionPeriod"]
    assert rules["webhooks"]["ExpirationInDays"] * 86400 > longest, "a body must outlive the message that names it"
    denied = TEMPLATE.resources["MediaBucketPolicy"].properties["PolicyDocument"]["Statement"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in [statement["Condition"] for statement in denied]
    assert {statement["Effect"] for statement in denied} == {"Deny"}
    exposed = bucket["CorsConfiguration"]["CorsRules"][0]["ExposedHeaders"]
    assert "ETag" in exposed  # a browser needs it to complete a multipart upload


@pytest.mark.parametrize("key", list(TEMPLATE.of_type("AWS::KMS::Key")), ids=lambda key: key.name)
def test_a_key_stays_ours_and_outlives_the_stack(key: Resource) -> None:
    raw = DOCUMENT["Resources"][key.name]
    assert raw["DeletionPolicy"].startswith("Retain")
    assert raw["UpdateReplacePolicy"] == "Retain"
    assert key.properties["KeyPolicy"]["Statement"][0]["Sid"] == "AccountDecides"
    assert key.properties.get("EnableKeyRotation") or key.properties["KeyUsage"] == "SIGN_VERIFY"


@pytest.mark.parametrize("name", ["MediaBucket", "Pepper", "Network"])
def test_what_can_not_be_made_again_outlives_the_stack(name: str) -> None:
    raw = DOCUMENT["Resources"][name]
    assert raw["DeletionPolicy"].startswith("Retain")
    assert raw["UpdateReplacePolicy"] == "Retain"


def test_a_first_deployment_that_fails_leaves_nothing_in_the_way_of_the_next() -> None:
    # Its name is taken as long as it is there.
    assert DOCUMENT["Resources"]["MediaBucket"]["DeletionPolicy"] == "RetainExceptOnCreate"


# --- rights ------------------------------------------------------------------------------------------------------------------------------


def _statements(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "Effect" in node:
            yield node
        for value in node.values():
            yield from _statements(value)
    elif isinstance(node, list):
        for value in node:
            yield from _statements(value)


def _texts(node: Any) -> str:
    return json.dumps(node, default=str)


def _listed(node: Any) -> list[Any]:
    return node if isinstance(node, list) else [node]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_wildcard_resource_has_its_reason_beside_it(path: Path) -> None:
    document = read(path)
    wildcards = [statement for statement in _statements(document["Resources"]) if "*" in _listed(statement.get("Resource"))]
    lines = [line for line in path.read_text().splitlines() if re.search(r"Resource: (\[?[\"']\*[\"']|\*)", line)]
    assert len(lines) == len(wildcards), "write it as one line, so that this test finds it"
    assert [line for line in lines if not re.search(r"# \w+", line)] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_do_what_is_named(name: str) -> None:
    for statement in _statements(policies(DOCUMENT, name)):
        actions, resources = _listed(statement["Action"]), _listed(statement.get("Resource", statement.get("NotResource")))
        assert not [action for action in actions if "*" in action], f"{name} may do {actions}"
        assert "*" not in resources


def test_every_role_is_bounded() -> None:
    assert DOCUMENT["Globals"]["Function"]["PermissionsBoundary"] == {"Ref": "Boundary"}
    assert not [name for name in FUNCTIONS if "PermissionsBoundary" in properties(name)]
    roles = [resource for resource in DOCUMENT["Resources"].values() if resource["Type"] == "AWS::IAM::Role"]
    assert roles and all(role["Properties"]["PermissionsBoundary"] == {"Ref": "Boundary"} for role in roles)


def test_no_role_reaches_logs_or_queues_of_another_stack() -> None:
    # SAM attaches AWS's managed policies, whose resource is "*", for both.
    allowed, *narrower = [statement for statement in _statements(properties("Boundary")) if statement["Effect"] == "Allow"]
    assert {"logs:*", "sqs:*", "iam:*"} <= set(allowed["NotAction"])
    assert all("AWS::StackName" in statement["Resource"]["Fn::Sub"] for statement in narrower)
    assert all(queue.properties["QueueName"].startswith("parley-local-") for queue in QUEUES)


# --- alarms and dashboard ----------------------------------------------------------------------------------------------------------------


LOG_GROUPS = sorted({properties(name)["LoggingConfig"]["LogGroup"]["Ref"] for name in FUNCTIONS})
FILTERS = {named(resource.properties["LogGroupName"]): resource.properties for resource in TEMPLATE.of_type("AWS::Logs::MetricFilter")}
EVENTS: list[tuple[str, dict[str, Any]]] = [
    (name, event) for name in FUNCTIONS for event in dict[str, Any](properties(name).get("Events", {})).values()
]
SCHEDULED = [(name, event["Properties"]) for name, event in EVENTS if "Schedule" in event["Type"]]


def test_every_group_of_logs_is_watched_by_somebody() -> None:
    groups = {resource.name for resource in TEMPLATE.of_type("AWS::Logs::LogGroup")}
    assert groups - {"ApiLogs"} == set(LOG_GROUPS) == set(FILTERS)  # the API's own 5xx have an alarm of their own


@pytest.mark.parametrize("group", LOG_GROUPS)
def test_failures_of_every_domain_raise_an_alarm(group: str) -> None:
    pattern, [counted] = FILTERS[group]["FilterPattern"], FILTERS[group]["MetricTransformations"]
    assert pattern == FILTERS["IdentityLogs"]["FilterPattern"]
    assert counted["MetricName"] == f"{group.removesuffix('Logs').lower()}-failures"
    [alarm] = [
        resource
        for resource in TEMPLATE.of_type("AWS::CloudWatch::Alarm")
        if resource.properties.get("MetricName") == counted["MetricName"]
    ]
    alarm_properties = alarm.properties
    assert (alarm_properties["Namespace"], alarm_properties["Threshold"], alarm_properties["EvaluationPeriods"]) == (
        counted["MetricNamespace"],
        0,
        1,
    )
    assert [named(topic) for topic in alarm_properties["AlarmActions"]] == ["AlarmTopic"]
    assert counted["MetricName"] in TEMPLATE.resources["Dashboard"].properties["DashboardBody"]


def test_an_answer_of_ours_that_is_a_failure_is_one_for_the_alarm(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No request makes a function end with an error: it answers 500, and Lambda reports a success."""
    from parley.kernel.edge.http import Access, api, entrypoint, metrics

    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    monkeypatch.setattr(metrics.provider, "namespace", "Parley")  # read as the module was imported
    monkeypatch.setattr(metrics.provider, "service", "parley")
    metrics.provider.clear_metrics()  # what was counted while that was off
    app = api(needs=Access.ANYBODY)

    @app.get("/works")
    def works() -> dict[str, str]:
        return {}

    @app.get("/breaks")
    def breaks() -> None:
        raise ZeroDivisionError

    counted = {}
    for path in ("/works", "/missing", "/breaks"):
        event: dict[str, Any] = {"version": "2.0", "rawPath": path, "rawQueryString": "", "headers": {}, "routeKey": f"GET {path}"}
        http = {"method": "GET", "path": path, "sourceIp": "192.0.2.1", "userAgent": "test"}
        answer = entrypoint(app)(event | {"requestContext": {"http": http, "stage": "$default"}}, None)
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
        counted[answer["statusCode"]] = [line["Failed"][0] >= 1 for line in lines if "Failed" in line]  # the filter's second half
        [line] = lines
        assert (line["route"], line["_aws"]["CloudWatchMetrics"][0]["Dimensions"]) == (f"GET {path}", [["service"], ["service", "route"]])
    assert counted == {200: [], 404: [], 500: [True]}
    assert "$.Failed[0] >= 1" in FILTERS["IdentityLogs"]["FilterPattern"]
    assert '$.record.status != "success"' in FILTERS["IdentityLogs"]["FilterPattern"]


@pytest.mark.parametrize(("name", "schedule"), SCHEDULED, ids=[name for name, _ in SCHEDULED])
def test_a_schedule_that_cannot_call_its_function_is_heard_of(name: str, schedule: dict[str, Any]) -> None:
    assert schedule["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": ["BusDeadLetters", "Arn"]}  # which has its alarm
    assert properties(name)["LoggingConfig"]["LogGroup"]["Ref"] in FILTERS  # one that was called and failed
    [policy] = [
        resource.properties
        for resource in TEMPLATE.of_type("AWS::SQS::QueuePolicy")
        if named(resource.properties["Queues"][0]) == "BusDeadLetters"
    ]
    assert any(statement["Condition"].get("ArnLike") for statement in policy["PolicyDocument"]["Statement"])


def test_the_dashboard_is_one() -> None:
    shown = json.loads(TEMPLATE.resources["Dashboard"].properties["DashboardBody"])
    assert [widget["properties"]["title"] for widget in shown["widgets"]]


def test_metrics_of_stacks_in_one_account_stay_apart() -> None:
    service = next(iter(FUNCTIONS.values())).environment["POWERTOOLS_SERVICE_NAME"]
    assert service == "parley-local"
    for alarm in TEMPLATE.of_type("AWS::CloudWatch::Alarm"):
        if alarm.properties.get("Namespace") == "Parley":
            assert {"Name": "service", "Value": service} in alarm.properties["Dimensions"]
