"""The small bundle as it really runs: processes, queues, bucket, bus and HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local import processes, run
from local.client import Client
from local.emulator import ROOT, Emulator
from local.environments import Environments
from local.http_api import Request
from local.invocation import FunctionFailed
from local.postgres import APPLICATION, OWNER, Postgres
from local.stack import SettingProblem, Stack, StackBusy
from local.template import Template

BUNDLE = Path(__file__).parent / "bundle" / "template.yaml"
Lines = Callable[[str], list[dict[str, str]]]


@pytest.fixture
def lines(seen: Path) -> Lines:
    """What the worker was given that has a word in it."""
    return lambda word: [json.loads(line) for line in seen.read_text().splitlines() if word in line and line.startswith("{")]


def test_a_request_goes_through_authorizer_and_function(stack: Stack, client: Client) -> None:
    assert client.get("/things/two").status == 401
    body = Client(stack.url, "good").get("/things/two?a=b").body
    assert body["event"]["requestContext"]["authorizer"]["lambda"] == {"actor_id": "good", "asked_for": "/things/two"}
    assert (body["function"], body["side"], body["event"]["queryStringParameters"]) == ("FrontEcho", "front", {"a": "b"})
    assert 0 < body["remaining"] <= 1000


def test_the_environment_is_made_of_the_templates_resources(stack: Stack, client: Client) -> None:
    environment = client.get("/open").body["environment"]
    assert environment["QUEUE_URL"] == f"{stack.emulator.endpoint}/123456789012/jobs"
    assert environment["BUCKET"] == "parley-local-files"
    assert environment["WORDS"] == f"key {stack.attributes['SigningKey']}"
    assert len(environment["PEPPER"]) == 40
    assert environment["OUTSIDE"]
    assert environment["DATABASE_URL"] == stack.postgres.url("parley_app")
    assert environment["AWS_SECRET_ACCESS_KEY"] == "local"


def test_an_environment_serves_one_event_at_a_time_and_several_serve_at_once(client: Client) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(lambda _: client.get("/open?sleep=0.3").body, range(8)))
    assert 0.6 <= time.monotonic() - began < 2.2  # one after the other they would take 2.4
    assert len({body["pid"] for body in bodies}) == 4
    assert len({body["parent"] for body in bodies}) == 1


def test_a_function_that_overruns_its_timeout_is_killed(stack: Stack, client: Client) -> None:
    began = time.monotonic()
    answer = client.get("/open?sleep=30")
    assert (answer.status, answer.body) == (503, {"message": "Service Unavailable"})
    assert time.monotonic() - began < 2
    assert client.get("/open").status == 200


def test_a_function_that_ends_its_process_is_replaced(client: Client) -> None:
    assert client.get("/open?exit=1").status == 500
    assert client.get("/open?raise=1").status == 500
    assert client.get("/open").status == 200


def test_killed_environments_and_their_killed_parent_come_back(stack: Stack, client: Client) -> None:
    assert stack.environments is not None
    for pid in stack.environments.pids:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.05)
    assert client.get("/open").status == 200
    os.kill(client.get("/open").body["parent"], signal.SIGKILL)
    for pid in stack.environments.pids:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.05)
    assert client.get("/open").status == 200


def test_functions_write_to_their_own_logs(stack: Stack, client: Client) -> None:
    client.get("/open")
    log = (stack.folder / "logs" / "FrontEcho.log").read_text()
    assert "a line for the log" in log
    assert "REPORT FrontEcho" in log


def test_a_function_that_can_not_be_imported_fails_alone(template: Template, tmp_path: Path) -> None:
    broken = template.functions["FrontEcho"].__class__("Broken", tmp_path, "absent", "lambda_handler", {}, 1, 128)
    environments = Environments({"Broken": broken, "FrontEcho": template.functions["FrontEcho"]}, {}, tmp_path, 1)
    environments.start()
    try:
        assert "absent.py" in environments.failed["Broken"]
        with pytest.raises(FunctionFailed, match="can't be imported"):
            environments.invoke("Broken", {})
        assert environments.invoke("FrontEcho", {"rawPath": "/"})["side"] == "front"
        with pytest.raises(run.HandlersFail, match=r"(?s)can't be imported:.*Broken: .*absent\.py"):  # `make run` ends with its name
            run.expect_imports(environments)
    finally:
        environments.stop()


def test_messages_events_and_objects_reach_the_worker(stack: Stack, lines: Lines) -> None:
    sqs = stack.clients.sqs
    for number in range(12):
        sqs.send_message(QueueUrl=stack.attributes["Jobs"], MessageBody=f"plain-{number}")
    stack.clients.s3.put_object(Bucket=stack.attributes["Files"], Key="in/a b", Body=b"x")
    stack.clients.s3.put_object(Bucket=stack.attributes["Files"], Key="out/c", Body=b"x")
    entries = [
        {"EventBusName": stack.attributes["Bus"], "Source": "parley", "DetailType": kind, "Detail": "{}"}
        for kind in ("thing.happened", "thing.else")
    ]
    stack.clients.events.put_events(Entries=entries)
    assert processes.until(lambda: len(lines("plain-")) == 12 and lines("thing.happened") and lines("ObjectCreated"), 5)
    assert {line["side"] for line in lines("plain-")} == {"back"}
    assert json.loads(lines("thing.happened")[0]["body"])["detail-type"] == "thing.happened"
    record = json.loads(lines("ObjectCreated")[0]["body"])["Records"][0]["s3"]["object"]
    assert int(record["sequencer"], 16) > 0
    assert not lines("thing.else")
    assert not lines("out%2Fc")


def test_only_the_failed_messages_come_again_and_then_rest_in_the_dead_letter_queue(stack: Stack, lines: Lines) -> None:
    sqs, dead = stack.clients.sqs, stack.attributes["JobsDead"]
    for body in ("one fail", "one good", "two fail all"):
        sqs.send_message(QueueUrl=stack.attributes["Jobs"], MessageBody=body)
    bodies: list[str] = []

    def arrived() -> bool:
        bodies.extend(message["Body"] for message in sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10).get("Messages", []))
        return {"one fail", "two fail all"} <= set(bodies)

    assert processes.until(arrived, 5)
    assert "one good" not in bodies
    assert [line["received"] for line in lines("one fail")] == ["1", "2"]


def test_the_gateway_works_in_process_too(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in stack.environment.items():
        monkeypatch.setenv(name, value)
    answer = stack.gateway_in_process().handle(Request("GET", "/open")).json()
    assert (answer["pid"], answer["side"]) == (os.getpid(), "front")


def test_one_folder_has_one_stack(stack: Stack) -> None:
    with pytest.raises(StackBusy, match=str(os.getpid())), Stack(stack.folder, BUNDLE):
        pass
    assert (stack.folder / "stack.json").exists()
    assert stack.postgres.running


def test_a_database_and_an_endpoint_of_ones_own_take_the_places_of_the_embedded_ones(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path / "own" / "postgres", tmp_path / "own" / "postgres.log", durable=False)
    emulator = Emulator(tmp_path / "own" / "aws", tmp_path / "own" / "aws.log")
    try:
        emulator.start()
        postgres.start()
        settings = {
            "DATABASE_URL": postgres.url(APPLICATION),
            "DATABASE_OWNER_URL": postgres.url(OWNER),
            "AWS_ENDPOINT_URL": emulator.endpoint,
            "SEEN": str(tmp_path / "seen"),
        }
        with pytest.raises(SettingProblem):
            Stack(tmp_path / "stack", BUNDLE, settings=settings | {"DATABASE_OWNER_URL": ""})
        with Stack(tmp_path / "stack", BUNDLE, settings=settings) as stack:
            assert {name: stack.environment[name] for name in settings} == settings
            assert stack.attributes["Jobs"].startswith(emulator.endpoint)
            assert not stack.postgres.running
            assert not stack.shows_mails
        assert postgres.running
        assert emulator.mails() == []
    finally:
        postgres.stop()
        emulator.stop()


def test_a_start_after_a_kill_finds_everything_again(tmp_path: Path) -> None:
    arguments = f"Path({str(tmp_path / 'stack')!r}), Path({str(BUNDLE)!r}), durable=False, settings={{'SEEN': {str(tmp_path / 'seen')!r}}}"
    script = (
        f"import json, sys; from pathlib import Path; from local.stack import Stack\n"
        f"with Stack({arguments}) as stack:\n"
        f"    stack.serve(2)\n"
        f"    stack.environments.invoke('FrontEcho', {{}})\n"
        f"    print(stack.environments.pids[0], stack.emulator._process.pid, stack.postgres._process.pid, flush=True)\n"
        f"    print(json.dumps(stack.environment), flush=True)\n"
        f"    sys.stdin.read()\n"
    )
    run = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    assert run.stdout is not None
    pids = [int(text) for text in run.stdout.readline().split()]
    environment = json.loads(run.stdout.readline())
    assert len(pids) == 3
    run.kill()
    run.communicate()
    assert processes.until(lambda: not any(processes.runs(pid) for pid in pids), 15), "its processes end with it"

    with Stack(tmp_path / "stack", BUNDLE, durable=False, settings={"SEEN": str(tmp_path / "seen")}) as stack:
        assert stack.environment == environment
        card = stack.folder / "stack.json"
        assert json.loads(card.read_text())["environment"] == environment
        assert card.stat().st_mode & 0o077 == 0
    prepared = [line for line in (tmp_path / "seen").read_text().splitlines() if line.startswith("prepared")]
    assert prepared == ["prepared by Create", "prepared by Update"]
