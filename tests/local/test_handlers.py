"""Handlers loaded from their files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.handlers import load
from local.template import Function


def test_a_handler_that_another_thread_is_importing_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\n\ntime.sleep(0.1)\nlambda_handler = print\n")
    function = Function("Slow", tmp_path, "slow", "lambda_handler", {}, 3, 128)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(load, [function] * 4)) == [print] * 4
