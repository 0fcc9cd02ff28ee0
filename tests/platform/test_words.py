"""A variable is the noun of its type: whoever reads one line of a function knows what it holds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = "shared", "functions", "local", "tests", "migrations", "benchmarks"
SAY_NOTHING = frozenset(
    ["found", "one", "said", "there", "mine", "told", "gone", "asked", "known", "place", "placed", "given", "theirs", "ours"]
)


def bound_names(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of all that a module binds or passes by name: variables, parameters, fields, attributes, functions, aliases."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case (
                ast.keyword(arg=str(name)) | ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name))
            ):
                yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield node.lineno, name
            case _:
                pass


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_name_is_a_participle_or_a_pronoun(folder: str) -> None:
    offenders = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, name in bound_names(path.read_text())
        if name in SAY_NOTHING
    ]
    assert offenders == []


def test_every_kind_of_binding_is_seen() -> None:
    source = """
import a as one
def found(said, *there, mine=1):
    for told in said: pass
    with x as gone: pass
    try: pass
    except E as asked: pass
    match x:
        case known: pass
    x.place = f(given=1)
    return [theirs for theirs in said if (ours := 1)]
class placed: pass
"""
    assert {name for _, name in bound_names(source)} >= SAY_NOTHING
