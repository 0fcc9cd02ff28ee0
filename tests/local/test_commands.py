"""Commands as a developer types them: wrong arguments, nothing that runs, databases that are not there. One sentence, no trace."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local import admin, backup, doctor, graph_api
from local.check_results import Ailing
from local.database_checks import CHECKS, connects, role_is_bound_by_policies, tenants_are_apart
from local.emulator import ROOT
from local.problems import Problem
from tests.harness import World

IS_RUN = (ROOT / ".local" / "stack.json").exists()  # of a developer who has `make run` in another terminal


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    surroundings = {name: value for name, value in os.environ.items() if "DATABASE" not in name and not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env=surroundings | {"PYTHONPATH": "shared"} | environment,
        timeout=60,
    )


# --- usage -------------------------------------------------------------------------------------------------------------------------------

USAGE = {  # words, the status, and what is said
    "a token of no role": (("local.token", "--role", "king"), 2, "invalid choice: 'KING'"),
    "a backup of nothing": (("local.backup",), 2, "the following arguments are required: action, file"),
    "a backup of no kind": (("local.backup", "copy", "file"), 2, "invalid choice: 'copy'"),
    "a port of words": (("local.run", "--port", "high"), 2, "invalid int value: 'high'"),
    "a revision without a name": (("local.revision",), 2, "the following arguments are required: name"),
    "a revision of one word": (("local.revision", "pools"), 2, "a revision is named <domain>_<what>, in snake_case"),
    "a revision in capitals": (("local.revision", "Scheduling_Pools"), 2, "in snake_case"),
    "sam without a word": (("local.sam",), 2, "python -m local.sam start-api"),
    "sam of another word": (("local.sam", "deploy"), 2, "python -m local.sam invoke"),
    "an event of nothing": (("local.recorded_events",), 2, "python -m local.recorded_events"),
    "an event that is not there": (("local.recorded_events", "absent.json"), 1, "There is no event absent.json: No such file"),
}


@pytest.fixture(scope="module")
def usages() -> dict[str, subprocess.CompletedProcess[str]]:
    """All at once: each is a process of its own."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(USAGE, pool.map(lambda name: command(*USAGE[name][0]), USAGE), strict=True))


@pytest.mark.parametrize("name", USAGE)
def test_wrong_usage_is_said_in_words(usages: dict[str, subprocess.CompletedProcess[str]], name: str) -> None:
    _, status, sentence = USAGE[name]
    assert (usages[name].returncode, usages[name].stdout) == (status, "")
    assert sentence in usages[name].stderr
    assert "Traceback" not in usages[name].stderr


OPERATORS = [
    ((), "the following arguments are required: what"),
    (("dance",), "invalid choice: 'dance'"),
    (("organization", "--email", "a@b.example"), "usage: make organization NAME="),
    (("organization", "--name", " ", "--email", "a@b.example"), "must not be empty"),
    (("plan", "--plan", "gold"), "usage: make plan PLAN=PRO"),
    (("plan", "--plan", "PRO", "--mail-limit", "many"), "invalid int value: 'many'"),
    (("user", "--email", "a@b.example", "--role", "king"), "invalid choice: 'KING'"),
    (("key", "--permissions", ""), "usage: make key"),
]


@pytest.mark.parametrize(("words", "sentence"), OPERATORS)
def test_operators_usage_is_said_in_words(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(SystemExit) as ended:
        admin.main(list(words))
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


SETTINGS = [
    ({"PARLEY_PORT": "high"}, "PARLEY_PORT=high is not a number."),
    ({"PARLEY_PORT": "99999"}, "Port 99999 of 127.0.0.1 can't be had"),
    ({"DATABASE_URL": "postgresql://a@127.0.0.1:1/b"}, "DATABASE_OWNER_URL is not"),
]


@pytest.mark.parametrize(("environment", "sentence"), SETTINGS)
def test_settings_that_can_not_be_are_said_before_anything_starts(environment: dict[str, str], sentence: str) -> None:
    done = command("local.run", "--demo", **environment)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(IS_RUN, reason="a stack runs here")
@pytest.mark.parametrize(
    "words", [("local.token",), ("local.mail",), ("local.admin", "user", "--email", "a@b.example"), ("local.backup", "dump", "absent/file")]
)
def test_without_a_stack_it_is_said_what_to_start(words: tuple[str, ...]) -> None:
    done = command(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert "make run" in done.stderr and "Traceback" not in done.stderr


def test_numbers_of_the_emulated_platform_come_with_their_tokens() -> None:
    made = [json.loads(command("local.graph_api").stdout) for _ in range(2)]
    assert made[0] != made[1]
    for number in made:
        assert number["access_token"] == graph_api.token(number["phone_number_id"])
        assert number["phone_number_id"].isdecimal()


def test_documents_that_are_fresh_are_so_to_their_checks() -> None:
    done = command("local.function_blocks", "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- the doctor --------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def closed_port() -> Iterator[int]:
    """One on which nobody listens, and nobody else begins to meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def visit(**environment: str) -> str:
    done = command("local.doctor", **environment)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr, done.stderr
    assert "Something is wrong; see above." in done.stdout
    return done.stdout


@pytest.mark.skipif(IS_RUN, reason="it looks at the stack that runs")
def test_the_doctor_without_anything_says_where_to_begin() -> None:
    report = visit()
    assert "Looking at the settings (no stack is running)" in report
    assert "WRONG connects: no database is known\n        Start `make run` in another terminal, or set DATABASE_URL" in report
    assert "--    answers: no endpoint is known" in report


def ailing_connection(url: str, monkeypatch: pytest.MonkeyPatch) -> Ailing:
    """What the first question about the database at an address finds, asked with the product's own code."""
    from parley.kernel.persistence import transactions

    transactions.engine().dispose()
    monkeypatch.setenv("DATABASE_URL", url)
    try:
        with pytest.raises(Ailing) as ailing:
            connects()
        return ailing.value
    finally:
        transactions.engine().dispose()
        monkeypatch.undo()


def test_each_reason_why_a_connection_fails_has_its_remedy(world: World, monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    url = world.stack.postgres.url("parley_app")
    password = str(urlsplit(url).password)
    wrong = ailing_connection(url.replace(password, "wrong"), monkeypatch)
    assert "the server refuses parley_app" in wrong.what and "Check user and password in DATABASE_URL" in wrong.mend
    absent = ailing_connection(url.rpartition("/")[0] + "/elsewhere", monkeypatch)
    assert (absent.what, absent.mend) == ("there is no database elsewhere", "create database elsewhere owner parley_owner;")
    unreachable = ailing_connection(f"postgresql://parley_app:x@127.0.0.1:{closed_port}/parley", monkeypatch)
    assert f"no connection to 127.0.0.1:{closed_port}" in unreachable.what and "`make run` starts one" in unreachable.mend
    assert connects().startswith("PostgreSQL ")


def test_an_application_that_owns_tables_is_told_to_migrate_as_the_owner(world: World) -> None:
    with world.stack.postgres.superuser("parley") as superuser:
        superuser.run("create table owned_by_the_application (id int)")
        superuser.run("alter table owned_by_the_application owner to parley_app")
        try:
            with pytest.raises(Ailing, match="owns 1 tables") as ailing:
                role_is_bound_by_policies()
        finally:
            superuser.run("drop table owned_by_the_application")
    assert "Migrate as parley_owner" in ailing.value.mend


def test_a_table_that_shows_every_tenants_rows_is_noticed(world: World) -> None:
    world.organization("Seen")
    with world.stack.postgres.superuser("parley") as superuser:
        superuser.run("alter table organization_members disable row level security")
        try:
            with pytest.raises(Ailing, match="rows of organization_members are visible"):
                tenants_are_apart()
        finally:
            superuser.run("alter table organization_members enable row level security")
    assert tenants_are_apart() == "without a tenant, no row is visible"


def test_the_doctor_goes_on_after_what_is_wrong_unless_nothing_answers(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with world.stack.postgres.superuser() as superuser:
        superuser.run("alter role parley_app bypassrls")
        try:
            assert not doctor.examine(doctor.Check(name, look) for name, look in CHECKS)
        finally:
            superuser.run("alter role parley_app nobypassrls")
    report = capsys.readouterr().out
    assert "WRONG role: the application's role ignores row-level security" in report
    assert "alter role parley_app nosuperuser nobypassrls" in report
    assert "ok    migrations" in report


# --- backups -----------------------------------------------------------------------------------------------------------------------------


def test_a_backup_that_fails_leaves_the_one_before(world: World, tmp_path: Path) -> None:
    server = backup.embedded(world.stack.postgres)
    file = tmp_path / "parley.dump"
    file.write_text("of yesterday")
    with pytest.raises(Problem, match=r'pg_dump failed: .*database "absent" does not exist'):
        backup.dump(server, file, "absent")
    assert file.read_text() == "of yesterday"


def test_what_is_no_backup_is_restored_into_nothing(world: World, tmp_path: Path) -> None:
    server = backup.embedded(world.stack.postgres)
    (tmp_path / "parley.dump").write_text("not a dump")
    try:
        for file, sentence in ((tmp_path / "parley.dump", "does not appear to be a valid archive"), (tmp_path / "absent", "No such file")):
            with pytest.raises(Problem, match=f"pg_restore failed: .*{sentence}"):
                backup.restore(server, file, "restored_from_nothing")
        with world.stack.postgres.superuser("restored_from_nothing") as empty:
            assert empty.run("select count(*) from pg_tables where schemaname = 'public'") == [[0]]
    finally:
        with world.stack.postgres.superuser() as superuser:
            superuser.run("drop database if exists restored_from_nothing with (force)")


def test_a_server_elsewhere_is_asked_at_its_address_for_any_of_its_databases() -> None:
    server = backup.elsewhere("postgresql://copier:p%40ss@db.example:6000/parley?sslmode=require")
    assert server.address("other") == "postgresql://copier:p%40ss@db.example:6000/other?sslmode=require"


def test_a_backup_of_a_server_that_does_not_answer_is_said(closed_port: int, tmp_path: Path) -> None:
    url = f"postgresql://copier:x@127.0.0.1:{closed_port}/parley"
    for words in (("dump", str(tmp_path / "file")), ("restore", str(tmp_path / "file"))):
        done = command("local.backup", *words, BACKUP_DATABASE_URL=url)
        assert done.returncode == 1
        assert "127.0.0.1" in done.stderr and "Traceback" not in done.stderr
