"""What a killed run, a full disk or a curious hand leaves in .local: mended where it can be, else named with what to do; never a trace."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import files, ports, running_stack, sam
from local.cloudformation import TemplateProblem
from local.doctor import environment_to_examine
from local.emulator import Emulator
from local.files import FileDamaged
from local.generated_secrets import MadeValues
from local.postgres import APPLICATION, OWNER, Postgres, PostgresProblem
from local.stack import Stack
from local.template import Resource
from tests.local.conftest import open_folder

BUNDLE = Path(__file__).parent / "bundle" / "template.yaml"
DAMAGED = ["", "{", "[1]", "null", '"text"', "{'a': 1}", "\0\0\0\0"]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_file_that_holds_no_map_is_named_with_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / "kept.json").write_text(content)
    with pytest.raises(FileDamaged) as problem:
        files.read(tmp_path / "kept.json", "Do this.")
    assert str(problem.value).startswith(f"{tmp_path / 'kept.json'} can't be read: ")
    assert str(problem.value).endswith("Do this.")


def test_a_file_is_its_owners_and_whole_whatever_was_begun_before(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kept.json"
    path.parent.mkdir()
    (path.parent / "kept.json.new").write_text("half of an earl")
    (path.parent / "kept.json.new").chmod(0o666)
    for text in ('{"a": 1}', '{"b": 2}'):
        files.write(path, text)
        assert files.read(path, "") == json.loads(text)
        assert path.stat().st_mode & 0o077 == 0
    assert [entry.name for entry in path.parent.iterdir()] == ["kept.json"]
    assert files.read(tmp_path / "absent.json", "") == {}


@pytest.mark.parametrize("content", ["", "garbage", "-5", "0", "80", "99999", "1e4", "٢٠٠٠٠", "20000\n20001", "9" * 400])
def test_a_port_that_is_none_is_forgotten(tmp_path: Path, content: str) -> None:
    (tmp_path / "port").write_text(content)
    assert files.number(tmp_path / "port") == 0


def test_a_port_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("20500\n")
    assert files.number(tmp_path / "port") == 20500
    assert files.number(tmp_path / "absent") == 0


# --- secrets -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", DAMAGED)
def test_damaged_secrets_are_not_made_anew_for_the_database_is_sealed_with_them(tmp_path: Path, content: str) -> None:
    (tmp_path / "secrets.json").write_text(content)
    with pytest.raises(FileDamaged, match="bring a copy back, or begin anew with `make clean`"):
        MadeValues(tmp_path / "secrets.json")
    assert (tmp_path / "secrets.json").read_text() == content


@pytest.mark.parametrize(
    "reference", ["elsewhere", "elsewhere:SecretString", "elsewhere:SecretString:key", "elsewhere:SecretString:key:AWSCURRENT:"]
)
def test_a_secret_that_stands_elsewhere_is_the_same_at_every_start(tmp_path: Path, reference: str) -> None:
    first = MadeValues(tmp_path / "secrets.json").referenced(reference)
    assert len(first) > 20
    assert MadeValues(tmp_path / "secrets.json").referenced(reference) == first


def test_a_secret_of_the_template_is_made_as_it_says_and_found_by_each_of_its_names(tmp_path: Path) -> None:
    made = MadeValues(tmp_path / "secrets.json")
    generated = {"GenerateSecretString": {"SecretStringTemplate": '{"user": "a"}', "GenerateStringKey": "pass", "PasswordLength": 50}}
    text = json.loads(made.declared(Resource("Database", "S", generated | {"Name": "parley/database"}), "arn:database"))
    assert (text["user"], len(text["pass"])) == ("a", 50)
    for name in ("arn:database", "parley/database", "Database"):
        assert made.referenced(f"{name}:SecretString:pass") == text["pass"]
    assert made.declared(Resource("Given", "S", {"SecretString": "as it is"}), "arn:given") == "as it is"
    assert json.loads(made.declared(Resource("Map", "S", {"SecretString": {"a": 1}}), "arn:map")) == {"a": 1}
    assert len(made.declared(Resource("Plain", "S", {}), "arn:plain")) == 32
    again = MadeValues(tmp_path / "secrets.json")
    assert json.loads(again.declared(Resource("Database", "S", generated), "arn:database")) == text


def test_a_key_of_a_secret_that_has_none_is_a_problem_of_the_template(tmp_path: Path) -> None:
    made = MadeValues(tmp_path / "secrets.json")
    made.declared(Resource("Plain", "S", {"SecretString": "words"}), "arn:plain")
    with pytest.raises(TemplateProblem, match="the secret Plain holds no JSON with keys"):
        made.referenced("arn:plain:SecretString:key")


# --- what the running stack says of itself -----------------------------------------------------------------------------------------------


def test_who_asks_for_the_running_stack_hears_of_a_damaged_card(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ".local"
    folder.mkdir()
    (folder / "lock").symlink_to(stack.folder / "lock")  # held, as by a stack that runs
    (folder / "stack.json").write_text('{"environment": {"AWS_')
    monkeypatch.setattr(running_stack, "ROOT", tmp_path)
    monkeypatch.setattr(sam, "ROOT", tmp_path)
    for ask in (running_stack.enter, sam.environment, lambda: environment_to_examine(folder)):
        with pytest.raises(FileDamaged, match=r"stack\.json can't be read.*Start `make run` again"):
            ask()


def test_the_card_of_a_killed_run_is_nobodys(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ".local"
    folder.mkdir()
    shutil.copy(stack.folder / "stack.json", folder)
    (folder / "lock").write_text("1")
    monkeypatch.setattr(sam, "ROOT", tmp_path)
    assert environment_to_examine(folder)[0] == "the settings (no stack is running)"
    with pytest.raises(sam.SamProblem, match="start `make run` in another terminal"):
        sam.environment()
    assert environment_to_examine(stack.folder)[1] == stack.environment


def test_what_custom_resources_left_damaged_is_said_before_they_run(stack: Stack, tmp_path: Path) -> None:
    settings = {
        "DATABASE_URL": stack.environment["DATABASE_URL"],
        "DATABASE_OWNER_URL": stack.environment["DATABASE_OWNER_URL"],
        "AWS_ENDPOINT_URL": stack.emulator.endpoint,
        "SEEN": str(tmp_path / "seen"),
    }
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack" / "custom_resources.json").write_text("{half")
    with (
        pytest.raises(FileDamaged, match=r"custom_resources\.json can't be read.*Remove it"),
        Stack(tmp_path / "stack", BUNDLE, settings=settings),
    ):
        pass
    assert not (tmp_path / "seen").exists()


def test_logs_that_have_grown_too_large_do_not_reach_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    with (tmp_path / "logs" / "large.log").open("wb") as large:
        large.truncate(21 * 1024 * 1024)
    (tmp_path / "logs" / "small.log").write_text("kept")
    stack = Stack(tmp_path, BUNDLE)
    stack._take_folder()
    stack.stop()
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["small.log"]


# --- PostgreSQL and AWS ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    """One that was made, and is stopped."""
    with open_folder() as folder:
        postgres = Postgres(folder / "postgres", folder / "postgres.log", durable=False)
        postgres.start()
        postgres.stop()
        yield postgres


def again(postgres: Postgres) -> Postgres:
    return Postgres(postgres.folder, postgres.log, durable=False)


def test_a_password_that_was_only_begun_is_made_and_the_port_chosen_again(cluster: Postgres) -> None:
    (cluster.folder / f"{APPLICATION}.password").write_text("")
    (cluster.folder / f"{OWNER}.password").write_text("\n")
    (cluster.folder / "port").write_text("gar")
    postgres = again(cluster)
    postgres.start()
    try:
        assert postgres.port == ports.of_folder(postgres.folder)
        for role in (APPLICATION, OWNER):
            path = postgres.folder / f"{role}.password"
            assert len(path.read_text()) > 20 and path.stat().st_mode & 0o077 == 0
        with postgres.superuser() as superuser:
            rows = superuser.run("select rolpassword is not null from pg_authid where rolname like 'parley%' and rolcanlogin")
        assert rows == [[True], [True]]
    finally:
        postgres.stop()


@pytest.mark.parametrize("name", ["PG_VERSION", "global/pg_control"])
def test_a_cluster_of_another_version_or_a_damaged_one_stays_and_it_is_said_what_to_do(cluster: Postgres, name: str) -> None:
    path = cluster.data / name
    content = path.read_bytes()
    path.write_bytes(b"9.6\n" if name == "PG_VERSION" else b"")
    try:
        postgres = again(cluster)
        with pytest.raises(PostgresProblem, match=r"(?s)did not start.*Move .* away and start again; `make restore`"):
            postgres.start()
        assert not postgres.running
        assert (cluster.data / "base").is_dir(), "nothing was thrown away"
    finally:
        path.write_bytes(content)


def as_another_account(act: Callable[[], object]) -> str:
    """What `act` raises in a process of an account that owns nothing here."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child of a process with threads: it does little, and ends
        child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(12345)
            os.setuid(12345)
            act()
        except Exception as problem:  # noqa: BLE001 - whatever it is, the parent is told
            os.write(writing, f"{type(problem).__name__}: {problem}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as answer:
        return answer.read()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another account")
def test_a_folder_of_another_account_is_said() -> None:
    with open_folder() as folder:
        (folder / "postgres" / "data").mkdir(parents=True)
        (folder / "postgres" / "data").chmod(0o700)
        folder.chmod(0o755)
        foreign = Postgres(folder / "postgres", folder / "postgres.log")
        sentence = as_another_account(foreign.start)
        assert sentence == f"PostgresProblem: {folder}/postgres/data belongs to another account: run as that account, or remove the folder."


def test_the_emulator_forgets_a_port_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "aws").mkdir()
    (tmp_path / "aws" / "port").write_text("\0")
    emulator = Emulator(tmp_path / "aws", tmp_path / "aws.log")
    emulator.start()
    try:
        assert emulator.port == ports.of_folder(emulator.folder) == int((tmp_path / "aws" / "port").read_text())
        assert not emulator.mails() and not emulator.waiting() and not emulator.texts()
    finally:
        emulator.stop()


@pytest.mark.parametrize("name", ["keys.pickle", "queues.pickle", "objects/bucket/one.pickle"])
def test_a_memory_of_the_emulator_that_can_not_be_read_ends_its_start_with_the_log(tmp_path: Path, name: str) -> None:
    path = tmp_path / "aws" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no pickle")
    emulator = Emulator(tmp_path / "aws", tmp_path / "aws.log")
    with pytest.raises(Exception, match=r"(?s)The emulated AWS did not start\. The end of .*aws\.log:.*UnpicklingError"):
        emulator.start()
