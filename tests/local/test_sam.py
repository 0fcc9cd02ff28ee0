"""The SAM CLI's containers and the bundle on this machine: addresses that lead from the one to the other."""

from __future__ import annotations

from pathlib import Path

from local import sam

VARIABLES = {
    "DATABASE_URL": "postgresql://parley_app:s%40cret@127.0.0.1:20332/parley",
    "DATABASE_OWNER_URL": "postgresql://parley_owner@127.0.0.1:20332/parley",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:20759",
    "RELAY_QUEUE_URL": "http://127.0.0.1:20759/123456789012/parley-local-relay",
    "PUBLIC_URL": "http://127.0.0.1:3000",
}


def test_a_container_finds_database_and_aws_on_this_machine() -> None:
    variables, ports = sam.seen_from_container(VARIABLES, "172.17.0.1")
    assert ports == {20332, 20759}
    assert variables["DATABASE_URL"] == "postgresql://parley_app:s%40cret@localhost:20332/parley"
    assert variables["AWS_ENDPOINT_URL"] == "http://172.17.0.1:20759"
    assert variables["RELAY_QUEUE_URL"] == "http://172.17.0.1:20759/123456789012/parley-local-relay"
    assert variables["PUBLIC_URL"] == "http://127.0.0.1:3000", "people open it, not containers"


def test_a_database_and_an_aws_elsewhere_stay_where_they_are() -> None:
    elsewhere = {
        "DATABASE_URL": "postgresql://parley_app@db.example:5432/parley",
        "AWS_ENDPOINT_URL": "http://aws.example:4566",
    }
    assert sam.seen_from_container(elsewhere, "172.17.0.1") == (elsewhere, set())


def test_the_command_is_for_this_machine_and_localhost_leads_out() -> None:
    words = sam.command(["start-api", "--skip-pull-image"], Path("variables.json"), "172.17.0.1")
    assert words[1:4] == ["local", "start-api", "--skip-pull-image"]
    assert f"Architecture={sam.architecture()}" in words
    assert words[-2:] == ["--add-host", "localhost:172.17.0.1"]
    assert words[words.index("--port") + 1] == str(sam.PORT)
    assert "--port" not in sam.command(["invoke", "PlatformGetHealth"], Path("variables.json"), sam.DESKTOP)
