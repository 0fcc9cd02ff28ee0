"""How the house is divided: nothing imports in a circle, no room is crowded, a name means one thing, each contract refuses something."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from local.import_map import cycles, cycles_of_siblings, import_graph, modules_by_package, table

ROOT = Path(__file__).parents[2]
PARLEY = ROOT / "shared" / "parley"
GRAPH = import_graph(PARLEY)
MOST_MODULES = 16
OF_MANY = {"models", "schemas", "queries", "service", "declared", "errors", "enums"}
"""Modules that several domains have: what stands in them is said by their name, and whose it is by the domain."""
BELOW_TABLES = {"models", "enums", "declared"}
"""What tables may import of a domain, and what the kernel offers them."""
KERNEL_FOR_TABLES = {"parley.kernel.persistence", "parley.kernel.values", "parley.kernel.access", "parley.kernel.postgres"}

# Shrinking: what has a name twice today. Nothing is added here.
CLASSES_NAMED_TWICE: set[str] = {"Question"}
CYCLES: list[list[str]] = []
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def last(module: str) -> str:
    return module.rpartition(".")[2]


def is_of_tables(module: str) -> bool:
    return last(module) in BELOW_TABLES or last(module).endswith("_models")


def upward_imports_of_tables(graph: dict[str, set[str]]) -> list[tuple[str, str]]:
    """What modules of tables import beyond other tables, enums, what is declared, and the kernel's rooms for tables."""
    tables = [module for module in graph if last(module) == "models" or last(module).endswith("_models")]
    return [
        (module, imported)
        for module in sorted(tables)
        for imported in sorted(graph[module])
        if not is_of_tables(imported) and not any(f"{imported}.".startswith(f"{room}.") for room in KERNEL_FOR_TABLES)
    ]


def imports_of_domains(graph: dict[str, set[str]]) -> list[tuple[str, str]]:
    """What the kernel imports that is not the kernel's, by a string too."""
    kernel = [module for module in graph if f"{module}.".startswith("parley.kernel.")]
    return [(module, name) for module in sorted(kernel) for name in sorted(graph[module]) if not f"{name}.".startswith("parley.kernel.")]


def test_no_module_imports_itself_by_others_and_no_package_does_at_any_level() -> None:
    assert cycles(GRAPH) == []
    assert cycles_of_siblings(GRAPH) == CYCLES


def test_the_kernel_imports_no_domain() -> None:
    assert imports_of_domains(GRAPH) == []


def test_tables_import_nothing_above_them() -> None:
    assert upward_imports_of_tables(GRAPH) == []


def test_a_circle_is_seen_wherever_it_is_closed(tmp_path: Path) -> None:
    """Late, for types alone, and by a string: a package made up for it."""
    files = {
        "__init__": "",
        "low.__init__": "",
        "low.first": "from parley.low import second\n",
        "low.second": "def late() -> None:\n    from parley.low.first import late\n",
        "low.models": "from parley.high.third import Third\n",
        "high.__init__": "",
        "high.third": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import parley.low.fourth\n",
        "low.fourth": "",
        "kernel.__init__": "",
        "kernel.by_name": "from importlib import import_module\nimport_module('parley.high.third')\n",
        "high.down": "from parley.kernel.by_name import import_module\n",
    }
    for name, text in files.items():
        path = tmp_path / "parley" / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    graph = import_graph(tmp_path / "parley")
    assert cycles(graph) == [["parley.low.first", "parley.low.second"]]
    assert cycles_of_siblings(graph) == [["parley.high", "parley.kernel", "parley.low"], ["parley.low.first", "parley.low.second"]] or (
        cycles_of_siblings(graph)
        == [["parley.high", "parley.kernel"], ["parley.high", "parley.low"], ["parley.low.first", "parley.low.second"]]
    )
    assert imports_of_domains(graph) == [("parley.kernel.by_name", "parley.high.third")]
    assert upward_imports_of_tables(graph) == [("parley.low.models", "parley.high.third")]
    assert "| parley.low | 4 | 1 | 1 | parley.low.first ⇄ parley.low.second |" in table(graph)
    assert {package: len(modules) for package, modules in modules_by_package(graph).items()} == {
        "parley": 0, "parley.high": 2, "parley.kernel": 1, "parley.low": 4,
    }  # fmt: skip


@pytest.mark.parametrize(("package", "modules"), modules_by_package(GRAPH).items(), ids=list(modules_by_package(GRAPH)))
def test_a_room_is_not_crowded(package: str, modules: list[str]) -> None:
    assert len(modules) <= MOST_MODULES, f"{package}: make rooms in it"


def test_a_package_says_what_belongs_there() -> None:
    rooms = [package for package in modules_by_package(GRAPH) if package.count(".") > 1]
    assert [
        room for room in rooms if not ast.get_docstring(ast.parse((PARLEY.parent / room.replace(".", "/") / "__init__.py").read_text()))
    ] == []


def test_a_class_name_means_one_thing() -> None:
    classes: dict[str, set[str]] = defaultdict(set)
    for path in PARLEY.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                classes[node.name].add(str(path.relative_to(PARLEY)))
    assert {name: sorted(files) for name, files in classes.items() if len(files) > 1 and name not in CLASSES_NAMED_TWICE} == {}
    assert {name for name in CLASSES_NAMED_TWICE if len(classes[name]) < 2} == set(), "take it out of the list"


def test_a_module_name_means_one_thing() -> None:
    modules = [module for modules in modules_by_package(GRAPH).values() for module in modules]
    counted = Counter(last(module) for module in modules)
    assert [module for module in modules if counted[last(module)] > 1 and last(module) not in OF_MANY] == []


# By contract, a line that breaks it, and the module that it is written into.
PLANTED = {
    "Domains stand beside each other": ("webhooks.models", "import parley.inbox.queries"),
    "Who speaks with providers of calendars has no database": ("calendar_providers.digest_auth", "import sqlalchemy"),
    "The rooms of identity": ("identity.models", "import parley.identity.log_in.schemas"),
    "The rooms of SAML": ("saml.models", "import parley.saml.queries"),
    "Messages of SAML are read without a database": ("saml.saml_messages.safe_xml", "import parley.kernel.persistence.outbox"),
    "What a platform says is read below the inbox": ("inbox.platforms.whatsapp", "import parley.inbox.service"),
    "Rooms of scheduling": ("scheduling.tables.enums", "import parley.scheduling.pages.captcha"),
    "Rooms of calendar providers": ("calendar_providers.provider_protocol", "import parley.calendar_providers.caldav"),
    "Rooms of the kernel": ("kernel.values.clock", "import parley.kernel.access.callers"),
    "Rooms of notifications": ("notifications.email.ses", "import parley.notifications.delivery.sender"),
    "Nothing imports in a circle": ("webhooks.models", "def late() -> None:\n    import parley.webhooks.queries"),
    "boto3 in the kernel's room for AWS": ("storage.service", "import boto3"),
    "AWS is reached by": ("storage.service", "import parley.kernel.aws.s3_objects"),
    "Adapters come in as arguments": ("recordings.service", "import parley.recordings.object_storage"),
    "HTTP, Lambda, the bus and migrations": ("storage.service", "import parley.kernel.edge.http"),
    "Powertools where": ("storage.service", "import aws_lambda_powertools"),
    "XML and its signatures": ("storage.service", "import lxml"),
    "The packages of SCIM": ("storage.service", "import scim2_models"),
    "Alembic where migrations run": ("storage.service", "import alembic"),
}


def test_each_contract_refuses_what_it_is_about(tmp_path: Path) -> None:
    """A copy of the house with one violation of each contract: all of them are broken, so none of them is about nothing."""
    names = [contract["name"] for contract in CONTRACTS]
    assert [[beginning for beginning in PLANTED if name.startswith(beginning)] for name in names] == [[each] for each in by_contract(names)]
    assert len(names) == len(PLANTED)
    shutil.copytree(PARLEY, tmp_path / "parley", ignore=shutil.ignore_patterns("__pycache__", "*.json"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for module, line in PLANTED.values():
        path = tmp_path / "parley" / f"{module.replace('.', '/')}.py"
        path.write_text(f"{path.read_text()}\n{line}\n")
    surroundings = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path), "COLUMNS": "300"}
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    linted = subprocess.run(command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False)
    verdicts = re.sub(r"\s+", " ", linted.stdout)
    assert [name for name in names if not re.search(re.escape(name) + r" BROKEN", verdicts)] == [], linted.stdout[:3000]


def by_contract(names: list[str]) -> list[str]:
    return [next((beginning for beginning in PLANTED if name.startswith(beginning)), name) for name in names]
