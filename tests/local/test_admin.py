"""What an operator makes by hand works as what a client makes."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from uuid import UUID

import pytest

from local import admin, running_stack
from local.mail import shown
from local.problems import Problem
from parley.identity.accounts.user_accounts import EmailTaken
from parley.kernel.values.ids import new_id
from tests.harness import Client, World


def test_an_organization_comes_with_an_owner_who_is_let_in(world: World) -> None:
    made = admin.organization(os.environ, "Globex & Sons", f"gus.{new_id()}@globex.example", "PRO", f"globex-{new_id().hex}")
    me = Client(world, made["token"]).get("/v1/identity/me").body
    assert (me["role"], me["organization"]["name"], me["organization"]["plan"]) == ("OWNER", "Globex & Sons", "PRO")
    assert (me["organization"]["id"], me["user_id"]) == (made["organization_id"], made["user_id"])


def test_a_user_joins_once(world: World) -> None:
    house = admin.organization(os.environ, "Initech", f"bill.{new_id()}@initech.example", "BUSINESS", f"initech-{new_id().hex}")
    address = f"peter.{new_id()}@initech.example"
    made = admin.user(os.environ, UUID(house["organization_id"]), "", address, "VIEWER")
    me = Client(world, made["token"]).get("/v1/identity/me").body
    assert (me["role"], me["email"], me["organization"]["id"]) == ("VIEWER", address, house["organization_id"])
    with pytest.raises(EmailTaken):
        admin.user(os.environ, UUID(house["organization_id"]), "", address.upper(), "VIEWER")


def test_a_key_is_let_in_with_its_scopes(world: World) -> None:
    house = admin.organization(os.environ, "Hooli", f"gavin.{new_id()}@hooli.example", "BUSINESS", f"hooli-{new_id().hex}")
    made = admin.key(UUID(house["organization_id"]), "by hand", ["bookings:read"])
    caller = Client(world, made["key"])
    assert caller.get("/v1/scheduling/bookings").status == 200
    assert caller.get("/v1/scheduling/schedules").body["scope"] == "schedules:read"
    with pytest.raises(Problem):
        admin.key(new_id(), "by hand", ["bookings:read"])


def test_nobody_joins_what_is_not_there(world: World) -> None:
    with pytest.raises(Problem, match="There is no organization"):
        admin.user(os.environ, new_id(), "", f"{new_id()}@nowhere.example", "MEMBER")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["organization", "--name", "日本", "--email", "gus@globex.example"], "slug"),
        (["organization", "--name", "Admin", "--email", "gus@globex.example"], "slug admin: is reserved"),
        (["user", "--email", "nobody"], "email nobody: "),
        (["key", "--permissions", "bookings:read all"], "permissions all: must be a scope or a group"),
        (["key", "--permissions", "*", "--organization", "acme"], "acme is not the id"),
    ],
)
def test_what_does_not_fit_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    monkeypatch.setattr(running_stack, "enter", lambda: dict(os.environ))
    assert admin.main(arguments) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("what", ["organization", "user", "key"])
def test_wrong_usage_is_told_in_words_of_make(capsys: pytest.CaptureFixture[str], what: str) -> None:
    with pytest.raises(SystemExit):
        admin.main([what, "--nonsense"])
    assert f"usage: make {what} " in capsys.readouterr().err


def test_without_a_running_stack_it_is_said_what_to_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(running_stack, "CARD", "not-there.json")
    assert admin.main(["user", "--email", "eva@acme.example"]) == 1
    assert "start `make run`" in capsys.readouterr().err


def test_a_stack_that_was_killed_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(running_stack, "ROOT", tmp_path)
    folder = tmp_path / ".local"
    folder.mkdir()
    (folder / "stack.json").write_text('{"environment": {}}')
    (folder / "lock").write_text("1")
    with pytest.raises(running_stack.NothingRuns):
        running_stack.enter()
    with (folder / "lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert running_stack.enter() == {}


def test_a_mail_is_shown_as_its_reader_sees_it() -> None:
    raw = "To: Ada <ada@acme.example>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nContent-Type: text/plain; charset=utf-8\n\nHello\n"
    assert shown({"raw": raw}).splitlines() == ["To: Ada <ada@acme.example>", "Subject: Grüße", "", "Hello"]
