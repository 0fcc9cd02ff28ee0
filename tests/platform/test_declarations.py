"""Each domain declares what others read of it, once and for use; what stands below the domains names none of them."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name

import pytest

from local.cloudformation import read
from parley.domains import DOMAINS, gather
from parley.kernel.values import declarations
from parley.kernel.values.declarations import AuditAction, DirectoryKind, EventName, PublicEvent, Scope

ROOT = Path(__file__).parents[2]
PARLEY = ROOT / "shared/parley"
SORTS = [sort for sort in vars(declarations).values() if isinstance(sort, type) and sort.__module__ == declarations.__name__]
OWN = re.compile(rf"(parley\.)?({'|'.join(DOMAINS)})\.\w")


def declared_by(domain: str) -> Iterator[tuple[str, object]]:
    """What a domain declares in classes, as it is written where it is used: `SchedulingAction.BOOKING_CREATED`."""
    module = import_module(f"parley.{domain}.declared")
    for name, value in vars(module).items():
        if isinstance(value, type) and value.__module__ == module.__name__:
            yield from ((f"{name}.{key}", constant) for key, constant in vars(value).items() if not key.startswith("_"))


@cache
def sources(*folders: Path) -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for folder in folders for path in sorted(folder.rglob("*.py"))}


def strings(tree: ast.Module) -> Iterator[str]:
    """The constants of a module that are no docstrings."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_the_list_names_every_domain_that_declares_something() -> None:
    assert sorted(DOMAINS) == sorted(path.parent.name for path in PARLEY.glob("*/declared.py"))


def test_every_domain_stands_in_the_contract_of_layers() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["name"].startswith("Domains stand beside each other"))
    assert {f"parley.{domain}" for domain in DOMAINS} - set(re.findall(r"[\w.]+", " ".join(layers))) == set()


@pytest.mark.parametrize("sort", SORTS, ids=lambda sort: sort.__name__)
def test_nothing_is_declared_twice(sort: type) -> None:
    everything: list[object] = gather(sort)
    assert len(everything) > 5
    assert [value for value, count in Counter(everything).items() if count > 1] == []


def test_an_event_bears_the_name_of_its_domain() -> None:
    for domain in DOMAINS:
        events = [value for _, value in declared_by(domain) if isinstance(value, EventName)]
        assert {event.partition(".")[0] for event in events} <= {domain}


def test_everything_declared_is_used() -> None:
    used = {
        ast.unparse(node)
        for path, tree in sources(PARLEY, ROOT / "functions").items()
        if path.name != "declared.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
    }
    event_names = {source for event in gather(PublicEvent) for source in event.sources}
    assert {name for domain in DOMAINS for name, value in declared_by(domain) if value not in event_names} - used == set()


def test_a_public_event_is_its_domains_own_and_can_be_shown() -> None:
    names = Counter(event.name for event in gather(PublicEvent))
    assert [name for name, count in names.items() if count > 1] == []
    for domain in DOMAINS:
        for event in getattr(import_module(f"parley.{domain}.declared"), "PUBLIC_EVENTS", ()):
            assert {source.partition(".")[0] for source in event.sources} == {domain}
            if event.payload_of is not None:
                assert event.payload_of.startswith(f"parley.{domain}.")
                assert list(inspect.signature(resolve_name(event.payload_of)).parameters) == ["session", "event", "entity_id"]


def test_a_scope_is_declared_once_and_needed_somewhere() -> None:
    names = Counter(scope.name for scope in gather(Scope))
    assert [name for name, count in names.items() if count > 1] == []
    resources = [
        {scope.name.partition(":")[0] for scope in getattr(import_module(f"parley.{domain}.declared"), "SCOPES", ())} for domain in DOMAINS
    ]
    assert sum(map(len, resources)) == len(frozenset().union(*resources)), "a resource is of one domain"


def test_what_is_declared_is_written_nowhere_else() -> None:
    """Two words for one thing drift apart, and a mistyped string is an event that nobody hears. Public names of webhooks are their own."""
    words = {str(event) for event in gather(EventName)}
    for path, tree in sources(PARLEY, ROOT / "functions").items():
        if path.name != "declared.py":
            assert words.intersection(strings(tree)) == set(), path
            calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record")
            assert [ast.unparse(call) for call in calls if isinstance(call.args[2], (ast.Constant, ast.JoinedStr))] == [], path


@pytest.mark.parametrize("below", ["kernel", "notifications", "calendar_providers"])
def test_what_stands_below_names_no_domain(below: str) -> None:
    for path, tree in sources(PARLEY / below).items():
        assert {text for text in strings(tree) if OWN.match(text)} == set(), path


def test_declarations_are_light() -> None:
    """The authorizer may read them."""
    script = """import sys, parley.domains as d
d.gather(str)
print(*[name for name in sys.modules if name.startswith(('parley', 'sqlalchemy', 'pydantic'))])"""
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT / "shared", capture_output=True, text=True, check=True).stdout.split()
    packages = {"parley", "parley.domains", "parley.kernel", "parley.kernel.values", "parley.kernel.audit"}
    own = {"parley.kernel.values.declarations", "parley.kernel.audit.audit_actions"}
    assert set(loaded) == packages | own | {f"parley.{domain}{part}" for domain in DOMAINS for part in ("", ".declared")}


def rules() -> Iterator[tuple[str, list[str | dict[str, str]]]]:
    for name, resource in read(ROOT / "template.yaml")["Resources"].items():
        pattern = resource["Properties"].get("EventPattern", {}) if resource["Type"] == "AWS::Events::Rule" else {}
        if pattern.get("source") == ["parley"]:
            yield name, pattern["detail-type"]


def test_rules_of_the_bus_wait_for_what_is_announced() -> None:
    events = {str(event) for event in gather(EventName)}
    waited_for = dict(rules())
    assert len(waited_for) > 4
    for rule, names in waited_for.items():
        assert {name for name in names if isinstance(name, str)} - events == set(), rule
        for prefix in (name["prefix"] for name in names if isinstance(name, dict)):
            assert any(event.startswith(prefix) for event in events), rule


def test_words_of_the_trail_and_the_directory() -> None:
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", action) for action in gather(AuditAction))
    assert all(re.fullmatch(r"[a-z_]+", kind) for kind in gather(DirectoryKind))
