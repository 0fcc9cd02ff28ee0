"""What a docstring names in backticks is there: `module.name` leads whoever reads it somewhere, also after a renaming."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARLEY = ROOT / "shared" / "parley"
NAMED = re.compile(r"`([a-z_]\w*)\.([A-Za-z_]\w*)(?:\.\w+)*(?:\([^`]*\))?`")
# Words with a dot that are no names of code: settings of a transaction, columns, fields of others' documents, events, hosts, libraries.
NO_CODE = re.compile(
    r"app\.\w+|organizations\.\w+|t\.body|emails\.value|json\.loads|fa(ß|ss)\.de"
    r"|(scheduling\.booking|booking|invitee)[._](created|booking_created|erased)"
)


def names_in(tree: ast.AST) -> set[str]:
    return {
        name
        for node in ast.walk(tree)
        for name in (getattr(node, "name", None), getattr(node, "id", None), getattr(node, "attr", None), getattr(node, "arg", None))
        if isinstance(name, str)
    }


def docstrings(tree: ast.Module) -> list[str]:
    return [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]


def test_what_a_docstring_names_is_there() -> None:
    trees = {path: ast.parse(path.read_text()) for folder in (PARLEY, ROOT / "functions") for path in folder.rglob("*.py")}
    inside: dict[str, set[str]] = defaultdict(set)
    for path, tree in trees.items():
        inside[path.stem] |= names_in(tree)
        for package in path.relative_to(ROOT).parents:
            inside[package.name] |= set(path.relative_to(ROOT / package).with_suffix("").parts)
    lost = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path, tree in trees.items()
        for text in docstrings(tree)
        for match in NAMED.finditer(text)
        if match[2] not in inside[match[1]] and match[1] not in names_in(tree) and not NO_CODE.fullmatch(match[0].strip("`"))
    }
    assert lost == set()
