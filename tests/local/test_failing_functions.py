"""Functions that can't be imported, end their process, answer nonsense or write without end: each says why, and the others go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local import environments as environments_module
from local import processes
from local.cloudformation import TemplateProblem
from local.environments import Environments, EnvironmentsProblem
from local.handlers import in_process, load
from local.invocation import FunctionFailed, FunctionThrottled, FunctionTimedOut, Invoke, PayloadTooLarge
from local.template import Function

ANSWERS = {
    "Good": "def lambda_handler(event, context): return event",
    "Prints": "def lambda_handler(event, context):\n    print('a line')\n    print('x' * 300_000)\n    return 1",
    "Sleeps": "import time\ndef lambda_handler(event, context):\n    time.sleep(event)\n    return 'awake'",
    "Pid": "import os\ndef lambda_handler(event, context): return os.getpid()",
    "Named": "import os\ndef lambda_handler(event, context): return [os.environ.get(name) for name in event]",
    "Context": (
        "def lambda_handler(event, c):\n    return [c.function_name, c.invoked_function_arn, c.log_group_name, c.memory_limit_in_mb, "
        "c.get_remaining_time_in_millis(), c.aws_request_id]"
    ),
}
FAILURES = {  # in a handler: its file, and what its caller is told
    "Raises": ("def lambda_handler(event, context): raise ValueError('of its own')", "ValueError: of its own"),
    "NoJson": ("def lambda_handler(event, context): return {1, 2}", "TypeError: Object of type set is not JSON serializable"),
    "Endless": ("def lambda_handler(event, context): return lambda_handler(event, context)", "RecursionError"),
    "Large": ("def lambda_handler(event, context): return 'x' * 7_000_000", "the answer has 7000002 bytes"),
}
ENDINGS = {  # of the process
    "Exits": "import sys\ndef lambda_handler(event, context): sys.exit(4)",
    "Interrupts": "def lambda_handler(event, context): raise KeyboardInterrupt",
    "Dies": "import os\ndef lambda_handler(event, context): os.kill(os.getpid(), 9)",
    "Shuts": "import os\ndef lambda_handler(event, context): os.closerange(3, 200)",
}
IMPORTS = {  # a file that can't be imported, and what is said of it
    "NoSyntax": ("def (", "SyntaxError"),
    "NoModule": ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
    "NoHandler": ("handler = print", "NoHandler/code.py has no lambda_handler"),
    "NoFunction": ("lambda_handler = 5", "NoFunction/code.py: its lambda_handler is no function"),
    "Impatient": ("raise SystemExit('not here')", "SystemExit: not here"),
    "Unset": ("import os\nos.environ['NOT_SET_ANYWHERE']", "KeyError: 'NOT_SET_ANYWHERE'"),
    "NoText": ("\x00", "SyntaxError"),
}


def function(folder: Path, name: str, text: str, timeout: int = 5, **environment: str) -> Function:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "code.py").write_text(text + "\n")
    return Function(name, folder / name, "code", "lambda_handler", environment, timeout, 256)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("functions")


@pytest.fixture(scope="module")
def functions(folder: Path) -> dict[str, Function]:
    texts = ANSWERS | {name: text for name, (text, _) in (FAILURES | IMPORTS).items()} | ENDINGS
    made = {name: function(folder, name, text, 1 if name == "Sleeps" else 5) for name, text in texts.items()}
    made["Named"] = function(folder, "Named", ANSWERS["Named"], OWN="its own")
    made["Good"] = function(folder, "Good", ANSWERS["Good"], OTHER="another's")
    return made


@pytest.fixture(scope="module")
def environments(functions: dict[str, Function], folder: Path) -> Iterator[Environments]:
    environments = Environments(functions, {"OWN": "its own", "OTHER": "another's", "EVERYBODYS": "shared"}, folder / "logs", 3)
    environments.start()
    yield environments
    environments.stop()


@pytest.fixture(params=["in processes", "in this process"])
def invoke(request: pytest.FixtureRequest, environments: Environments, functions: dict[str, Function]) -> Invoke:
    return environments.invoke if request.param == "in processes" else in_process(functions)


def log_of(environments: Environments, name: str) -> str:
    return (environments._logs / f"{name}.log").read_text()


# --- imports -----------------------------------------------------------------------------------------------------------------------------


def test_what_can_not_be_imported_is_named_with_its_reason_and_nothing_else_is(environments: Environments) -> None:
    assert environments.failed.keys() == IMPORTS.keys()
    for name, (_, reason) in IMPORTS.items():
        assert reason in environments.failed[name]


@pytest.mark.parametrize("name", [name for name in IMPORTS if name != "Impatient"])
def test_a_call_of_what_can_not_be_imported_says_why_and_the_log_too(environments: Environments, name: str) -> None:
    with pytest.raises(FunctionFailed, match=f"{name} can't be imported: "):
        environments.invoke(name, {})
    assert f"{name} can't be imported: " in log_of(environments, name)
    assert environments.invoke("Good", "after") == "after"


def test_a_file_that_is_mended_is_imported_at_the_next_try(tmp_path: Path) -> None:
    broken = function(tmp_path, "Mended", "import nothing_of_that_name")
    with pytest.raises(ModuleNotFoundError):
        load(broken)
    handler = load(function(tmp_path, "Mended", "lambda_handler = print"))
    assert handler is print


def test_an_absent_file_is_a_problem_of_the_template(tmp_path: Path) -> None:
    with pytest.raises(TemplateProblem, match=r"there is no .*/absent\.py"):
        load(Function("Absent", tmp_path, "absent", "lambda_handler", {}, 3, 128))


def test_files_of_one_name_beside_their_handlers_are_two(tmp_path: Path) -> None:
    for side in ("left", "right"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "_beside.py").write_text(f"SIDE = '{side}'\n")
        (tmp_path / side / "code.py").write_text("from _beside import SIDE\n\ndef lambda_handler(event, context): return SIDE\n")
    both = {side: Function(side, tmp_path / side, "code", "lambda_handler", {}, 3, 128) for side in ("left", "right")}
    assert [in_process(both)(side, {}) for side in ("left", "right", "left")] == ["left", "right", "left"]


# --- answers -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [None, {}, [], "", 0, {"ü": "😀\u2028"}, {"a": [1.5, True, None]}, "\ud800", "x" * 1_000_000])
def test_an_event_goes_there_and_comes_back_as_it_is(invoke: Invoke, event: Any) -> None:
    assert invoke("Good", event) == event


@pytest.mark.parametrize("name", FAILURES)
def test_a_handler_that_fails_tells_its_caller_why(invoke: Invoke, name: str) -> None:
    with pytest.raises(FunctionFailed) as failure:
        invoke(name, {})
    assert FAILURES[name][1] in str(failure.value)
    assert invoke("Good", 1) == 1


def test_the_trace_of_a_failure_leads_into_the_handlers_file_and_stands_in_its_log(environments: Environments) -> None:
    with pytest.raises(FunctionFailed, match=r"Raises/code\.py"):
        environments.invoke("Raises", {})
    assert "ValueError: of its own" in log_of(environments, "Raises")
    assert "REPORT Raises Duration: " in log_of(environments, "Raises")


@pytest.mark.parametrize("name", ENDINGS)
def test_a_handler_that_ends_its_process_is_reported_and_replaced(environments: Environments, name: str) -> None:
    with pytest.raises(FunctionFailed, match=f"{name}: its process ended"):
        environments.invoke(name, {})
    assert environments.invoke("Good", 1) == 1


def test_too_much_is_refused_before_anybody_is_called(invoke: Invoke) -> None:
    with pytest.raises(PayloadTooLarge):
        invoke("Good", "x" * 6_300_000)


def test_an_event_that_json_has_no_word_for_is_the_callers_mistake(invoke: Invoke) -> None:
    with pytest.raises(TypeError):
        invoke("Good", {"moment": object()})


def test_what_a_handler_prints_is_in_its_log_and_nowhere_else(environments: Environments) -> None:
    assert environments.invoke("Prints", {}) == 1
    log = log_of(environments, "Prints")
    assert "a line\n" in log and "x" * 300_000 in log
    assert "a line" not in log_of(environments, "Good") if (environments._logs / "Good.log").exists() else True


def test_a_function_sees_the_variables_that_the_template_gives_it(environments: Environments) -> None:
    names = ["OWN", "OTHER", "EVERYBODYS", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_EXECUTION_ENV", "TZ"]
    assert environments.invoke("Named", names) == ["its own", None, "shared", "Named", "256", "AWS_Lambda_python3.13", "UTC"]


def test_the_shells_own_variables_do_not_reach_a_function(
    tmp_path: Path, functions: dict[str, Function], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    environments = Environments({"Named": functions["Named"]}, {}, tmp_path, 1)
    environments.start()
    try:
        assert environments.invoke("Named", ["AWS_PROFILE", "PATH"]) == [None, os.environ["PATH"]]
    finally:
        environments.stop()


def test_a_handler_knows_who_it_is_and_how_long_it_has(invoke: Invoke) -> None:
    name, arn, group, memory, remaining, request = invoke("Context", {})
    assert (name, arn, group, memory) == (
        "Context",
        "arn:aws:lambda:eu-central-1:123456789012:function:Context",
        "/aws/lambda/Context",
        256,
    )
    assert 4000 < remaining <= 5000
    assert request != invoke("Context", {})[5]


# --- processes ---------------------------------------------------------------------------------------------------------------------------


def test_what_takes_too_long_is_killed_and_its_process_never_used_again(environments: Environments) -> None:
    before = {environments.invoke("Pid", {}) for _ in range(3)}
    with pytest.raises(FunctionTimedOut, match="Sleeps: Task timed out after 1 seconds"):
        environments.invoke("Sleeps", 20)
    assert processes.until(lambda: sum(processes.runs(pid) for pid in before) < len(before), 3)
    assert environments.invoke("Good", 1) == 1


def test_who_finds_no_environment_free_is_told_so(environments: Environments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments_module, "PATIENCE", 0.1)
    with ThreadPoolExecutor(3) as pool:
        sleeping = [pool.submit(environments.invoke, "Sleeps", 0.6) for _ in range(3)]
        time.sleep(0.2)
        with pytest.raises(FunctionThrottled, match="Good: no execution environment became free"):
            environments.invoke("Good", 1)
        assert [call.result() for call in sleeping] == ["awake"] * 3
    assert environments.invoke("Good", 1) == 1


def test_an_idle_environment_that_was_killed_is_not_used(environments: Environments) -> None:
    for pid in environments.pids:
        os.kill(pid, signal.SIGKILL)
    assert processes.until(lambda: not any(processes.runs(pid) for pid in environments.pids), 3)
    assert environments.invoke("Good", 1) == 1


def test_a_stop_ends_who_is_busy_and_a_start_begins_anew(tmp_path: Path, functions: dict[str, Function]) -> None:
    environments = Environments({name: functions[name] for name in ("Sleeps", "Good")}, {}, tmp_path, 2)
    environments.start()
    failures: list[FunctionFailed] = []

    def sleep() -> None:
        try:
            environments.invoke("Sleeps", 0.9)
        except FunctionFailed as failure:
            failures.append(failure)

    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    assert processes.until(lambda: bool(environments._busy), 3)
    time.sleep(0.1)
    environments.stop()
    sleeper.join(3)
    assert len(failures) == 1
    with pytest.raises(FunctionThrottled, match="are stopped"):
        environments.invoke("Good", 1)
    environments.start()
    assert environments.invoke("Good", 1) == 1
    environments.stop()


def test_environments_that_do_not_start_show_the_end_of_their_log(tmp_path: Path, functions: dict[str, Function]) -> None:
    killer = function(tmp_path, "Killer", "import os\nprint('the last words', flush=True)\nos._exit(1)")
    environments = Environments({"Killer": killer}, {}, tmp_path / "logs", 1)
    with pytest.raises(EnvironmentsProblem, match=r"(?s)did not start\. The end of .*environments\.log:.*the last words"):
        environments.start()
    environments.stop()


@pytest.mark.parametrize("signals", [(), (signal.SIGTERM,), (signal.SIGINT, signal.SIGTERM)])
@pytest.mark.parametrize("is_own", [True, False])
def test_a_process_that_hears_no_signal_is_killed(signals: tuple[signal.Signals, ...], is_own: bool) -> None:
    text = "import signal, time\nfor n in (2, 15): signal.signal(n, signal.SIG_IGN)\nprint(1, flush=True)\ntime.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(2):  # who is gone already hurts nobody
            if is_own:
                processes.stop(process, signals, 0.05)
            else:
                processes.stop_stranger(process.pid, signals, 0.05)
        assert not processes.runs(process.pid)


def test_waiting_ends_with_what_is_waited_for_or_with_the_time(tmp_path: Path) -> None:
    answers = iter([False, False, True])
    looked: Callable[[], bool] = lambda: next(answers)  # noqa: E731 - one expression, used once
    assert processes.until(looked, 5, 0.001)
    assert not processes.until(lambda: False, 0.01, 0.001)
    assert processes.tail(tmp_path / "absent.log") == "(no log)"
    (tmp_path / "some.log").write_bytes(b"\n".join(b"%d \xff" % number for number in range(40)))
    assert processes.tail(tmp_path / "some.log", 2) == "38 \ufffd\n39 \ufffd"
