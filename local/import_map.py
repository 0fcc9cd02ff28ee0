"""Which module imports which, late imports and those for types counted; `python -m local.import_map` shows it by package."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from local.emulator import ROOT

Graph = Mapping[str, set[str]]
_BY_NAME = {"import_module", "resolve_name"}
"""Functions that import what a string names."""


def import_graph(folder: Path) -> dict[str, set[str]]:
    """Each module of the package in `folder`, and the modules of the same package that it names anywhere."""
    files = {_name(path, folder): path for path in sorted(folder.rglob("*.py"))}
    graph = {}
    for module, path in files.items():
        names = _names(ast.parse(path.read_text()))
        graph[module] = {imported for name in names if (imported := _module(name, files)) is not None} - {module}
    return graph


def _name(path: Path, folder: Path) -> str:
    return ".".join(path.relative_to(folder.parent).with_suffix("").parts).removesuffix(".__init__")


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module)):
                yield from (f"{module}.{alias.name}" for alias in node.names)
            case ast.Call(func=ast.Name(id=function) | ast.Attribute(attr=function), args=[ast.Constant(value=str(name)), *_]):
                if function in _BY_NAME:
                    yield name.replace(":", ".")


def _module(name: str, files: Mapping[str, Path]) -> str | None:
    while name and name not in files:
        name = name.rpartition(".")[0]
    return name or None


def cycles(graph: Graph) -> list[list[str]]:
    """Modules that reach each other, together (strongly connected components of more than one; Tarjan 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    components: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        stack.append(module)
        for imported in sorted(graph.get(module, ())):
            if imported not in order:
                visit(imported)
                lowest[module] = min(lowest[module], lowest[imported])
            elif imported in stack:
                lowest[module] = min(lowest[module], order[imported])
        if lowest[module] == order[module]:
            first = stack.index(module)
            components.append(sorted(stack[first:]))
            del stack[first:]

    for module in sorted(graph):
        if module not in order:
            visit(module)
    return sorted(component for component in components if len(component) > 1)


def siblings(graph: Graph) -> dict[str, dict[str, set[str]]]:
    """By package: what stands in it, modules and packages, and which of them imports from which."""
    packages: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for module, names in graph.items():
        for imported in names:
            first, second = module.split("."), imported.split(".")
            depth = next((depth for depth, (our, their) in enumerate(zip(first, second, strict=False)) if our != their), 0)
            if depth:  # else one is the package of the other
                packages[".".join(first[:depth])][".".join(first[: depth + 1])].add(".".join(second[: depth + 1]))
    return packages


def cycles_of_siblings(graph: Graph) -> list[list[str]]:
    """Those at every level: between packages, between rooms of a package, between modules of a room."""
    return sorted(cycle for edges in siblings(graph).values() for cycle in cycles(edges))


def modules_by_package(graph: Graph) -> dict[str, list[str]]:
    """The modules that stand directly in each package, `__init__` not counted."""
    packages = {module.rpartition(".")[0] for module in graph} - {""}
    modules: dict[str, list[str]] = {package: [] for package in sorted(packages)}
    for module in sorted(graph.keys() - packages):
        if "." in module:
            modules[module.rpartition(".")[0]].append(module)
    return modules


def table(graph: Graph) -> str:
    """A Markdown table: per package its modules, how many modules outside import it, how many it imports, and its cycles."""
    lines = ["| package | modules | fan-in | fan-out | cycles |", "|---|---:|---:|---:|---|"]
    edges = [(module, imported) for module, names in graph.items() for imported in names]
    by_package = siblings(graph)
    for package, modules in modules_by_package(graph).items():
        inside = {module for module in graph if f"{module}.".startswith(f"{package}.")}
        fan_in = {module for module, imported in edges if imported in inside and module not in inside}
        fan_out = {imported for module, imported in edges if module in inside and imported not in inside}
        circles = "; ".join(" ⇄ ".join(cycle) for cycle in cycles(by_package.get(package, {}))) or "none"
        lines.append(f"| {package} | {len(modules)} | {len(fan_in)} | {len(fan_out)} | {circles} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(import_graph(ROOT / "shared" / "parley")))
