"""Files that a run leaves to the next one: whole or not there at all, whenever the run is killed; and nobody else's to read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from local.problems import Problem


class FileDamaged(Problem):
    """Somebody else wrote into the file, or the disk was full; the message says what to do."""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    aside.rename(path)


def read(path: Path, mend: str) -> dict[str, Any]:
    """The map that a file of JSON holds; empty without the file. mend: what to do when it holds none. Raises FileDamaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError as problem:
        raise FileDamaged(f"{path} can't be read: {problem}. {mend}") from problem
    if not isinstance(content, dict):
        raise FileDamaged(f"{path} can't be read: it holds no map of names. {mend}")
    return content


def number(path: Path) -> int:
    """The port that a file remembers, 0 when it does not: whoever asks then chooses another."""
    text = path.read_text(errors="replace").strip() if path.exists() else ""
    return int(text) if text.isascii() and text.isdecimal() and 1024 <= int(text[:6]) <= 65_535 else 0
