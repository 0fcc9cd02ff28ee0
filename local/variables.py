"""The environment variables of the functions: what the template says, with this machine's own values in place of the cloud's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from local.cloudformation import REGION, TemplateProblem, resolve, unresolved
from local.template import Function

MAIL_FROM = "no-reply@parley.example"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
MAY_DIFFER = {"POWERTOOLS_SERVICE_NAME", "TENANT_ROLE_ARN"}  # the emulated roles reach everything alike


def of_this_machine(
    settings: Mapping[str, str], url: str, endpoint: str, invocations: str, graph_api: str, database: str, owner: str
) -> dict[str, str]:
    """The values that the template can't know. A setting stands over each of them."""
    values = {
        **CREDENTIALS,
        "MAIL_FROM": MAIL_FROM,
        "PARLEY_ENVIRONMENT": "local",
        "PUBLIC_URL": url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": settings.get("AWS_REGION") or REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_LAMBDA": invocations,
        "WHATSAPP_API_URL": graph_api,
        "DATABASE_URL": database,
        "DATABASE_OWNER_URL": owner,
        "DATABASE_IAM": "false",
        "DATABASE_CA_BUNDLE": "",
        # The stand-in for SNS sends nothing to anybody, and costs nothing.
        "SMS_CHANNEL": "disabled" if settings.get("AWS_ENDPOINT_URL") else "enabled",
    }
    if settings.get("AWS_SESSION_TOKEN"):
        values["AWS_SESSION_TOKEN"] = ""
    return {name: settings.get(name) or value for name, value in values.items()}


def union(
    functions: Iterable[Function],
    attributes: Mapping[str, Any],
    secret: Callable[[str], str],
    settings: Mapping[str, str],
    machine: Mapping[str, str],
    *,
    complete: bool = True,
) -> dict[str, str]:
    """One environment for all the functions: a name means the same in each. Raises TemplateProblem when it does not.

    complete: raise for a value that nothing here provides; otherwise it is left out (custom resources run before all values exist).
    """
    values: dict[str, str] = {}
    said_by: dict[str, str] = {}
    for function in functions:
        for name, template_value in resolve(dict(function.environment), attributes, secret).items():
            value = machine[name] if name in machine else settings.get(name) or str(template_value)
            if unresolved(value):
                if complete:
                    raise TemplateProblem(f"{function.name}: {name} is {value}, which nothing of the local stack provides")
                continue
            if values.setdefault(name, value) != value and name not in MAY_DIFFER:
                raise TemplateProblem(f"{name} differs between {said_by[name]} and {function.name}; one process serves both")
            said_by.setdefault(name, function.name)
    return values | dict(machine)
