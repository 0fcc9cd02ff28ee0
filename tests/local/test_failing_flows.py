"""What fails at its first step or in the middle: the flows of `make demo`, the wrapper of the SAM CLI, the step that makes .venv."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from local import demo, run, sam
from local.client import Answer, Client
from local.demo import PLAYS, Played, PlayFailed, Scene, expect, wait_for
from local.emulator import ROOT
from local.http_api import Request, Response
from local.seed import Seeded
from local.server import Server
from local.stack import Stack

# --- flows -------------------------------------------------------------------------------------------------------------------------------


@contextmanager
def answering(status: int, body: bytes, kind: str = "application/json") -> Iterator[str]:
    """An API that gives the same answer to everything."""

    def answer(request: Request) -> Response:
        return Response(status, (("content-type", kind),), body)

    server = Server(0, answer)
    server.serve()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.stop()


def scene(stack: Stack, url: str) -> Scene:
    return Scene(stack, Seeded(UUID(int=1), UUID(int=2), "Acme", "token"), Client(url, "token"), Client(url))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"message": "Internal Server Error"}'),
        (200, b"{}"),
        (200, b"[]"),
        (200, b"not json"),
        (201, b'{"id": "x"}'),
        (204, b""),
        (202, b"null"),
    ],
)
def test_every_flow_that_fails_is_told_and_the_next_one_is_played(
    stack: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    monkeypatch.setattr(demo, "PATIENCE", 0.1)
    with answering(status, body) as url:
        commands, went_well = run._play(scene(stack, url))
    report = capsys.readouterr().out
    assert (commands, went_well) == ([], False)
    assert report.count("FAILED") == len(PLAYS)
    assert report.count("The functions' logs are in .local/logs.") == len(PLAYS)
    for title, _ in PLAYS:
        assert f"\n{title}\n" in report


def test_an_api_that_is_gone_fails_every_flow_too(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(200, b"{}") as url:
        pass
    assert run._play(scene(stack, url)) == ([], False)
    assert capsys.readouterr().out.count("FAILED") == len(PLAYS)


def test_a_flow_that_goes_well_is_a_table_with_commands_to_try(
    stack: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(text="first line\nsecond line", curl=["curl {url}/x", "curl -H 'a: $TOKEN' {url}/y"])
    played.add_row("GET /x", "200: as it should be")
    played.add_row("POST /a/longer/step", "201")

    def fail(scene: Scene) -> Played:
        raise PlayFailed("the reason")

    monkeypatch.setattr(run, "PLAYS", [("Well", lambda scene: played), ("Ill", fail), ("Empty", lambda scene: Played())])
    commands, went_well = run._play(scene(stack, "http://nowhere"))
    assert commands == [f"curl {stack.url}/x", f"curl -H 'a: $TOKEN' {stack.url}/y"]
    assert not went_well
    lines = capsys.readouterr().out.splitlines()
    assert "  GET /x               200: as it should be" in lines
    assert "  POST /a/longer/step  201" in lines
    assert [line for line in lines if line.startswith("    | ")] == ["    | first line", "    | second line"]
    assert "  FAILED  PlayFailed: the reason" in lines


def test_an_unexpected_status_shows_what_was_answered() -> None:
    answer = Answer(409, {"content-type": "application/json"}, b'{"code": "slot_taken"}' + b" " * 1000)
    assert expect(answer, 409, 201) == {"code": "slot_taken"}
    with pytest.raises(PlayFailed, match=r'^status 409 instead of 200 or 201: \{"code": "slot_taken"\} *$') as failed:
        expect(answer, 200, 201)
    assert len(str(failed.value)) < 560


def test_waiting_gives_what_came_or_says_what_did_not() -> None:
    looks: Iterator[Any] = iter([None, [], "came"])
    assert wait_for("a mail", lambda: next(looks), 5) == "came"
    with pytest.raises(PlayFailed, match="a mail: nothing within 0 s"):
        wait_for("a mail", lambda: None, 0.01)


# --- the SAM CLI -------------------------------------------------------------------------------------------------------------------------

FAKE = f"""\
#!{sys.executable}
import json, os, signal, sys, time
arguments = sys.argv[1:]
variables = json.load(open(arguments[arguments.index("--env-vars") + 1]))
record = {{"arguments": arguments, "variables": variables, "region": os.environ.get("AWS_REGION")}}
record["endpoint"] = os.environ.get("AWS_ENDPOINT_URL")
if "--event" in arguments:
    record["event"] = json.load(open(arguments[arguments.index("--event") + 1]))
open(os.environ["SAID"], "w").write(json.dumps(record))
if "start-api" in arguments:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    time.sleep(20)
sys.exit(5)
"""
ENVIRONMENT = {
    "AWS_REGION": "eu-central-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "WHATSAPP_APP_SECRET": "s",
    "WHATSAPP_VERIFY_TOKEN": "v",
}


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a program that stands for the SAM CLI writes what it was given."""
    program = tmp_path / "sam"
    program.write_text(FAKE)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    layer = tmp_path / "build" / "DependenciesLayer" / "python"
    layer.mkdir(parents=True)
    machine = {"arm64": "aarch64", "x86_64": "x86_64"}[sam.architecture()]
    (layer / f"_cffi_backend.cpython-313-{machine}-linux-gnu.so").touch()
    monkeypatch.setattr(sam, "SAM", program)
    monkeypatch.setattr(sam, "BUILD", tmp_path / "build")
    monkeypatch.setattr(sam, "environment", lambda: dict(ENVIRONMENT))
    monkeypatch.setattr(sam, "bridge", lambda: sam.DESKTOP)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)  # a stack of another test sets it
    monkeypatch.setenv("SAID", str(tmp_path / "record.json"))
    return tmp_path / "record.json"


def test_the_cli_gets_variables_event_and_credentials_and_its_status_is_ours(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    event = ROOT / "tests" / "events" / "inbox_whatsapp_webhook.json"
    assert asyncio.run(sam.run(["invoke", "InboxReceiveWebhook", "--event", str(event)])) == 5
    seen = json.loads(record.read_text())
    assert seen["arguments"][:3] == ["local", "invoke", "InboxReceiveWebhook"]
    assert seen["variables"]["Parameters"]["WHATSAPP_APP_SECRET"] == "s"
    assert seen["event"]["headers"]["x-hub-signature-256"].startswith("sha256=")
    assert (seen["region"], seen["endpoint"]) == ("eu-central-1", None)
    assert "+ " in capsys.readouterr().err
    assert not Path(seen["arguments"][seen["arguments"].index("--env-vars") + 1]).exists(), "secrets do not stay"


def test_the_end_reaches_the_cli_once_and_it_ends_in_its_own_way(record: Path) -> None:
    def end() -> None:
        for _ in range(200):
            if record.exists() and record.read_text():
                break
            threading.Event().wait(0.02)
        threading.Event().wait(0.1)
        os.kill(os.getpid(), signal.SIGTERM)

    ender = threading.Thread(target=end)
    ender.start()
    assert asyncio.run(sam.run(["start-api"])) == 7
    ender.join()
    assert "--warm-containers" in json.loads(record.read_text())["arguments"]


@pytest.mark.parametrize("is_missing", ["the program", "a build", "a build of this machine"])
def test_without_a_build_it_is_said_how_to_make_one(record: Path, tmp_path: Path, is_missing: str) -> None:
    [library] = (tmp_path / "build").rglob("*.so")
    if is_missing == "the program":
        (tmp_path / "sam").unlink()
    else:
        library.rename(library.with_name("_cffi_backend.cpython-313-s390x-linux-gnu.so" if is_missing.endswith("machine") else "other.so"))
    with pytest.raises(sam.SamProblem, match=f"run `make build ARCHITECTURE={sam.architecture()}`"):
        asyncio.run(sam.run(["invoke", "X"]))


def test_a_port_of_the_loopback_is_reached_at_another_address() -> None:
    async def talk(address: str, port: int) -> bytes:
        reader, writer = await asyncio.open_connection(address, port)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer

    async def through(port: int) -> bytes:
        server = await sam.forward("127.0.0.2", port)
        async with server:
            return await talk("127.0.0.2", port)

    if sys.platform != "linux":
        pytest.skip("only Linux has other loopback addresses")
    with answering(200, b'"through"') as url:
        port = int(url.rpartition(":")[2])
        assert asyncio.run(through(port)).endswith(b'\r\n\r\n"through"')
    assert asyncio.run(through(port)) == b"", "nobody is there any more"


# --- the first step ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone as small as the first step needs it, with nothing to install."""
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "bootstrap.py").write_text((ROOT / "local" / "bootstrap.py").read_text())
    (tmp_path / "requirements").mkdir()
    for name in ("local", "test"):
        (tmp_path / "requirements" / f"{name}.txt").write_text("# nothing\n")
    return tmp_path


def bootstrap(checkout: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / "local" / "bootstrap.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


def fake_python(folder: Path, text: str) -> str:
    path = folder / "python3.13"
    path.write_text(f"#!/bin/sh\n{textwrap.dedent(text)}\n")
    path.chmod(0o755)
    return str(path)


def test_a_command_is_run_with_the_environment_first_and_from_the_checkout(checkout: Path) -> None:
    venv = checkout / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    for name in ("local", "test"):
        digest = hashlib.sha256((checkout / "requirements" / f"{name}.txt").read_bytes()).hexdigest()
        (venv / f".installed-{name}").write_text(digest)
    text = "import os; print(os.getcwd(), os.environ['VIRTUAL_ENV'], os.environ['PATH'].split(':')[0], os.environ.get('PYTHONHOME'))"
    done = bootstrap(checkout, "--", "python", "-c", text)
    assert done.stdout.split() == [str(checkout), str(venv), str(venv / "bin"), "None"], done.stderr
    assert done.stderr == ""
    assert bootstrap(checkout, "--requirements", "test", "--", "sh", "-c", "exit 9").returncode == 9
    absent = bootstrap(checkout, "--", "no-such-program")
    assert (absent.returncode, absent.stderr) == (1, "no-such-program: [Errno 2] No such file or directory\n")
    assert bootstrap(checkout, "--").returncode == 0


def test_without_a_command_the_usage_is_shown(checkout: Path) -> None:
    done = bootstrap(checkout, "--requirements", "test")
    assert (done.returncode, done.stderr) == (1, "usage: python3 local/bootstrap.py [--requirements local|test] -- command ...\n")
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("echo 3 9", "is not a Python 3.11 or newer"),
        ("echo nonsense", "is not a Python 3.11 or newer"),
        ("exit 3", "is not a Python 3.11 or newer"),
        ('[ "$1" = -c ] && echo 3 13 || { mkdir -p "$3"; echo "No module named venv"; exit 1; }', "apt install python3.13-venv"),
        (
            '[ "$1" = -c ] && echo 3 13 || { mkdir -p "$3"; echo "disk full"; exit 1; }',
            "A virtual environment could not be made:\ndisk full",
        ),
    ],
)
def test_a_python_that_will_not_do_is_named_with_the_remedy(checkout: Path, answer: str, sentence: str) -> None:
    done = bootstrap(checkout, "--", "true", PARLEY_PYTHON=fake_python(checkout, answer))
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (checkout / ".venv").exists(), "nothing half made stays"


def test_packages_that_can_not_be_installed_show_the_end_of_what_pip_said(checkout: Path) -> None:
    fake = '[ "$1" = -c ] && { echo 3 13; exit; }\n[ "$2" = pip ] && { echo Collecting one; echo ERROR: no route; exit 1; }\nexit 0'
    (checkout / ".venv" / "bin").mkdir(parents=True)
    Path(fake_python(checkout, fake)).rename(checkout / ".venv" / "bin" / "python")
    (checkout / "requirements" / "local.txt").write_text("one==1.0 --hash=sha256:0\n    # via two\n")
    done = bootstrap(checkout, "--", "true")
    assert done.returncode == 1
    assert "Installing 1 locked packages" in done.stderr
    assert "pip could not install local.txt:\nCollecting one\nERROR: no route" in done.stderr
    assert not (checkout / ".venv" / ".installed-local").exists()
