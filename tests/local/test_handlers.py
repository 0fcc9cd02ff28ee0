"""Handlers loaded from their files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.handlers import load
from local.template import Function
from tests.harness import World


def test_a_handler_that_another_thread_is_importing_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\n\ntime.sleep(0.1)\nlambda_handler = print\n")
    function = Function("Slow", tmp_path, "slow", "lambda_handler", {}, 3, 128)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(load, [function] * 4)) == [print] * 4


def test_threads_that_ask_at_once_get_their_own_answers(world: World) -> None:
    members = [world.organization(f"Org{at}") for at in range(4)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda at: members[at % 4].get("/v1/identity/me").body["user_id"], range(80)))
    assert answers == [str(members[at % 4].user_id) for at in range(80)]
