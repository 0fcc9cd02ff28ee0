"""The settings of whoever runs the stack: `.env`, and the shell before it. `.env.example` names them all."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from local.emulator import ROOT

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")
_CREDENTIALS = ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def read(path: Path) -> dict[str, str]:
    """NAME=value lines; # begins a comment line; quotes around a value are taken off."""
    values: dict[str, str] = {}
    if not path.exists():
        return values
    for line in path.read_text(encoding="utf-8").splitlines():
        match = None if line.lstrip().startswith("#") else _LINE.fullmatch(line)
        if match:
            name, value = match.groups()
            values[name] = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
    return values


def names(example: Path = ROOT / ".env.example") -> list[str]:
    """Every name that `.env.example` has, commented out or not."""
    return re.findall(r"^#?([A-Z][A-Z0-9_]+)=", example.read_text(encoding="utf-8"), re.MULTILINE)


def current(environment: Mapping[str, str] = os.environ, path: Path = ROOT / ".env") -> dict[str, str]:
    """The settings that are given now. Only known names count, and AWS credentials of the shell only together with an endpoint."""
    file_settings = read(path)
    values = {name: environment.get(name) or file_settings.get(name, "") for name in names()}
    if not values.get("AWS_ENDPOINT_URL"):
        values |= dict.fromkeys(_CREDENTIALS, "")
    return {name: value for name, value in values.items() if value}
