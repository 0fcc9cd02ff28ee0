from __future__ import annotations

from pathlib import Path

import pytest

from local import variables
from local.cloudformation import TemplateProblem
from local.template import Function

MACHINE = variables.of_this_machine(
    {"MAIL_FROM": "me@x.example"},
    "http://api",
    "http://aws",
    "http://lambda",
    "http://graph",
    "postgresql://application",
    "postgresql://owner",
)


def function(name: str, **environment: str) -> Function:
    return Function(name, Path(), "file", "lambda_handler", environment, 3, 128)


def union(*functions: Function, complete: bool = True, **settings: str) -> dict[str, str]:
    return variables.union(functions, {"Queue": "http://queue"}, lambda name: f"secret of {name}", settings, MACHINE, complete=complete)


def test_the_template_the_machine_and_the_settings_make_one_environment() -> None:
    first = function("First", QUEUE="{{@Queue}}", PEPPER="{{resolve:secretsmanager:x}}", DATABASE_URL="{{@Network.Outputs.Host}}")
    values = union(first, function("Second", QUEUE="{{@Queue}}", OTHER="template"), OTHER="setting")
    assert values["QUEUE"] == "http://queue"
    assert values["PEPPER"] == "secret of x"
    assert values["DATABASE_URL"] == "postgresql://application"
    assert values["OTHER"] == "setting"
    assert values["MAIL_FROM"] == "me@x.example"
    assert values["AWS_ENDPOINT_URL"] == "http://aws"
    assert values["AWS_ENDPOINT_URL_LAMBDA"] == "http://lambda"


def test_a_name_that_means_two_things_is_refused() -> None:
    with pytest.raises(TemplateProblem, match="MODE differs between First and Second"):
        union(function("First", MODE="a"), function("Second", MODE="b"))
    assert union(function("First", POWERTOOLS_SERVICE_NAME="a"), function("Second", POWERTOOLS_SERVICE_NAME="b"))


def test_a_value_that_nothing_provides_is_refused_unless_it_may_come_later() -> None:
    later = function("First", TOKEN_JWKS="{{@TokenKeys.Jwks}}")
    with pytest.raises(TemplateProblem, match="TOKEN_JWKS"):
        union(later)
    assert "TOKEN_JWKS" not in union(later, complete=False)
