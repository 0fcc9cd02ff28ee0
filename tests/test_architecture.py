"""What a cold start pays for, and what keeps the house livable. Who may import whom is import-linter's: see pyproject.toml."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HANDLERS = sorted(path for path in (ROOT / "functions").glob("*/*.py") if not path.name.startswith("_"))
PACKAGE = sorted((ROOT / "shared" / "parley").rglob("*.py"))

# What costs a cold start 20 ms or more, and the handlers that ask for it by name.
COSTLY: dict[str, set[str]] = {
    "boto3": set(),  # imported where it is called (kernel.aws): 165 ms
    "botocore.session": set(),  # Powertools asks for the bare package, which costs nothing
    "babel": set(),  # imported by who writes in another language than English (notifications.formats)
    "alembic": {"platform/migrate"},
    "parley.schema": set(),  # every model of every domain; migrations and tests alone need it
    "icalendar": {"scheduling/on_booking_changed"},
    "lxml": {"saml/save_connection", "saml/receive_response"},
    "signxml": {"saml/receive_response"},
    "scim2_models": {"scim/serve_resources"},  # 350 ms
    "jinja2": {
        "scheduling/on_booking_changed",
        "scheduling/on_workflow_event",
        "scheduling/get_managed_booking_page",
        "scheduling/submit_managed_booking_page",
        "scheduling/get_host_page",
        "scheduling/submit_host_page",
        "scheduling/get_booking_page",
        "scheduling/get_organization_page",
        "scheduling/get_embed_script",
        "scheduling/submit_booking_page",
        "identity/on_mail_due",
        "identity/get_invitation_page",
        "identity/submit_invitation_page",
        "scheduling/get_agreement_page",
        "scheduling/submit_agreement_page",
        "identity/get_link_page",
        "identity/submit_link_page",
    },
    "aws_xray_sdk": set(),
    "requests": set(),
}
BRACES = str.maketrans("<>", "{}")
LONGEST_HANDLER = 45
LONGEST_MODULE = 400
# What several handlers name is imported once, in a child that is theirs alone; each handler then loads in a child of its own. So a handler
# finds loaded what it asks for by name, and no more.
FRESH = """
import collections, gc, importlib, json, os, runpy, sys
from contextlib import contextmanager

@contextmanager
def child():
    sys.stdout.flush()
    if os.fork():
        assert os.wait()[1] == 0
        yield False
        return
    try:
        yield True
        sys.stdout.flush()
        os._exit(0)
    finally:
        os._exit(1)

def load(handler):
    sys.path.insert(0, handler.rpartition("/")[0])
    runpy.run_path(handler)
    print(handler, *sys.modules)

def visit(asking):
    while asking:
        (name, count), = collections.Counter(name for names in asking.values() for name in names).most_common(1) or [("", 0)]
        theirs = {handler: [other for other in names if other != name] for handler, names in asking.items() if name in names or count < 2}
        for handler in theirs if count < 2 else ():
            with child() as here:
                here and load(handler)
        if count > 1:
            with child() as here:
                here and (importlib.import_module(name), visit(theirs))
        asking = {handler: names for handler, names in asking.items() if handler not in theirs}

gc.disable()  # it would copy all pages that the children share
visit(json.load(sys.stdin))
"""


def name_of(handler: Path) -> str:
    return f"{handler.parent.name}/{handler.stem}"


def own_modules(handler: Path) -> list[str]:
    """The modules of ours that a handler names where it begins."""
    return sorted(
        {name for name in names_imported(handler, deep=False) if (ROOT / "shared" / name.replace(".", "/")).with_suffix(".py").exists()}
    )


@pytest.fixture(scope="module")
def modules() -> dict[str, set[str]]:
    """What importing each handler loads into a fresh interpreter."""
    surroundings = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "shared"), "AWS_DEFAULT_REGION": "eu-central-1"}
    imports_by_handler = json.dumps({str(handler): own_modules(handler) for handler in HANDLERS})
    done = subprocess.run(
        [sys.executable, "-c", FRESH], env=surroundings, input=imports_by_handler, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    modules_by_handler = {name_of(Path(handler)): set(loaded) for handler, *loaded in (line.split() for line in done.stdout.splitlines())}
    assert modules_by_handler.keys() == {name_of(handler) for handler in HANDLERS}
    return modules_by_handler


@pytest.mark.parametrize("costly", COSTLY)
def test_a_handler_imports_only_what_it_asks_for(modules: dict[str, set[str]], costly: str) -> None:
    assert {handler for handler, loaded in modules.items() if costly in loaded} - COSTLY[costly] == set()


def test_a_handler_pays_for_its_own_domain(modules: dict[str, set[str]]) -> None:
    shared_by_all = {"kernel", "notifications", "identity", "calendar_providers"}
    workflows = (
        "create_workflow",
        "update_workflow",
        "delete_workflow",
        "list_workflows",
        "get_workflow",
        "preview_workflow",
        "try_workflow",
    )
    notifications = ("list_notifications", "resend_notification", "on_workflow_event", "sweep_reminders")
    of_two = {f"scheduling/{name}" for name in (*workflows, *notifications)}
    for handler, loaded in modules.items():
        # A package and what it declares are names alone: who gathers them pays for no domain.
        domains = {
            module.split(".")[1] for module in loaded if module.startswith("parley.") and "." in module.removesuffix(".declared")[7:]
        }
        if not handler.startswith("platform/"):  # upkeep is of every domain's tables, and no request waits for it
            own = {handler.split("/")[0]} | ({"webhooks"} if handler in of_two else set())  # a workflow's endpoint is a webhook's
            assert domains - shared_by_all <= own, handler


@pytest.mark.parametrize("handler", HANDLERS, ids=name_of)
def test_a_handler_is_a_sentence(handler: Path) -> None:
    assert len(handler.read_text().splitlines()) <= LONGEST_HANDLER


def routes_of(handler: Path) -> Iterator[tuple[str, str]]:
    """Each route of a handler, as `METHOD /path/{parameter}`, with the name of what answers it."""
    functions = [node for node in ast.parse(handler.read_text()).body if isinstance(node, ast.FunctionDef)]
    for function, decorator in ((each, decorator) for each in functions for decorator in each.decorator_list):
        match decorator:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="app"), attr=method), args=[ast.Constant(value=str(path))]):
                yield f"{method.upper()} {path.translate(BRACES)}", function.name


@pytest.mark.parametrize("handler", HANDLERS, ids=name_of)
def test_a_file_is_one_route_or_one_event_and_has_its_name(handler: Path) -> None:
    routes = list(routes_of(handler))
    assert len(routes) <= 1
    documentation = ast.get_docstring(ast.parse(handler.read_text())) or ""
    for route, name in routes:
        assert name == handler.stem, "a file is found by what it does"
        assert re.split(r":? |:?\n", documentation)[:2] == route.split()


@pytest.mark.parametrize("module", PACKAGE, ids=lambda path: ".".join(path.relative_to(ROOT / "shared").with_suffix("").parts))
def test_a_module_is_about_one_noun(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= LONGEST_MODULE
    assert module.name != "__init__.py" or not ast.parse(module.read_text()).body[1:]


def names_imported(path: Path, *, deep: bool = True) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree) if deep else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", ["functions", "shared", "local", "benchmarks"])
def test_the_whole_schema_is_for_migrations_and_tests(folder: str) -> None:
    assert [str(path) for path in (ROOT / folder).rglob("*.py") if "parley.schema" in names_imported(path)] == []


def test_handlers_call_aws_through_the_kernel() -> None:
    assert [name_of(path) for path in HANDLERS if {"boto3", "botocore"} & {name.split(".")[0] for name in names_imported(path)}] == []
