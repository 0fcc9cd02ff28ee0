"""What a handler's code can come to, read from its source: which functions of the package, and which settings.

Every mention of a name counts as a call, and of a class as one of all its methods; what a variable holds is not known. So an answer errs
towards too much, and a mention that is no call shows up as a right that nobody needs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "shared" / "parley"


def handlers() -> list[str]:
    return sorted(f"{path.parent.name}.{path.stem}" for path in (ROOT / "functions").glob("*/*.py"))


def symbols() -> list[str]:
    """All that stands at the top of a module, handlers included: `parley.kernel.audit.audit.record`, `inbox.receive_webhook.PLAIN`."""
    package = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in PACKAGE.rglob("*.py")]
    return [f"{module}.{name}" for module in package + handlers() for name in _defined(module)]


@cache
def reached(handler: str, but_not: frozenset[str] = frozenset()) -> frozenset[str]:
    """Every symbol that a handler (`scheduling.create_booking`) can come to, other than by way of `but_not`."""
    symbol_set, waiting = set(but_not), [f"{handler}.{name}" for name in _defined(handler)]
    while waiting:
        symbol = waiting.pop()
        if symbol not in symbol_set:
            symbol_set.add(symbol)
            waiting.extend(mentioned(symbol))
    return frozenset(symbol_set - but_not)


@cache
def mentioned(symbol: str) -> frozenset[str]:
    """The symbols that one names."""
    names = _names(symbol.rpartition(".")[0])
    symbol_set = set()
    for node in _nodes(symbol):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            symbol_set.add(f"{names[node.value.id]}.{node.attr}")
        elif isinstance(node, ast.Name) and node.id in names:
            symbol_set.add(names[node.id])
    return frozenset(symbol_set)


def settings(symbol: str) -> Iterator[tuple[str, bool]]:
    """The settings that a symbol asks for, and whether it can't do without them."""
    for node in _nodes(symbol):
        match node:
            case ast.Call(func=ast.Name(id="setting" | "is_set" as asking), args=[ast.Constant(value=str(name)), *default]):
                yield name, asking == "setting" and not default


def _nodes(symbol: str) -> Iterator[ast.AST]:
    module, _, name = symbol.rpartition(".")
    for statement in _defined(module).get(name, ()):
        yield from ast.walk(statement)


@cache
def _tree(module: str) -> ast.Module:
    folder, _, name = module.partition(".")
    path = PACKAGE / f"{name.replace('.', '/')}.py" if folder == "parley" else ROOT / "functions" / folder / f"{name}.py"
    return ast.parse(path.read_text() if path.is_file() else "")


@cache
def _defined(module: str) -> dict[str, list[ast.stmt]]:
    statements: dict[str, list[ast.stmt]] = {}
    for node in _tree(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            statements.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for name in (target.id for target in targets if isinstance(target, ast.Name)):
                statements.setdefault(name, []).append(node)
    return statements


@cache
def _names(module: str) -> dict[str, str]:
    """What a name stands for that is defined in a module, or imported anywhere in it."""
    imports = [node for node in ast.walk(_tree(module)) if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("parley")]
    imported = {alias.asname or alias.name: f"{node.module}.{alias.name}" for node in imports for alias in node.names}
    return imported | {name: f"{module}.{name}" for name in _defined(module)}
