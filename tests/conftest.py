"""One stack for each test process: embedded PostgreSQL, emulated AWS, what template.yaml declares. Tests found their own organizations."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from local.emulator import ROOT
from local.stack import Stack
from local.stacks import MERGED, write
from local.template import Template, load
from parley.kernel.postgres import authorizer_lookup
from tests.harness import Client, Member, World

SERVED = "tests/stack/"
UNLIMITED = {"UNLIMITED_NETWORKS": "127.0.0.0/8"}
IS_DEPLOYED_FORM = os.environ.get("PARLEY_FORM") == "deployed"  # `make deployed`: routes are answered by the functions that are deployed
LONGEST = (
    SERVED,
    "tests/platform/test_round_trips_of_routes.py",
    "tests/webhooks/test_schedule.py",
    "tests/platform/test_permissions.py",
    "tests/platform/test_canaries.py",
    "tests/platform/test_hostile.py",
    "tests/test_architecture.py",
    "tests/scheduling/test_availability_oracle.py",
    "tests/webhooks/",
    "tests/kernel/test_migrations.py",
    "tests/local/",
)
# What counts may be imported before there is a stack, and would then have no name to count under.
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Parley")
_worlds: list[World] = []  # the one of this process, when a test has asked for it


class _LongestFirst(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A file's tests stay together, and those on the served stack in one process; what takes longest begins first."""

    def _split_scope(self, nodeid: str) -> str:
        scope = str(super()._split_scope(nodeid))
        return SERVED if scope.startswith(SERVED) else scope


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _LongestFirst:
    config.option.loadscopereorder = False  # it would begin with the files that have most tests
    return _LongestFirst(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {prefix: rank for rank, prefix in enumerate(LONGEST)}
    places = {item: str(item.path.relative_to(Path(__file__).parents[1])) for item in items}
    items.sort(key=lambda item: next((rank for prefix, rank in ranks.items() if places[item].startswith(prefix)), len(ranks)))


def _deployed(folder: Path) -> Template:
    write(ROOT / "template.yaml", folder / "deployed")
    return load(folder / "deployed" / MERGED)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="parley-test-"))
    try:
        # All tests come from one network, but for those of limits, whose clients say from which.
        with Stack(folder, port=0, durable=False, settings=UNLIMITED) as stack:
            quiet = {"POWERTOOLS_LOG_LEVEL": os.environ.get("POWERTOOLS_LOG_LEVEL", "CRITICAL"), "POWERTOOLS_METRICS_DISABLED": "true"}
            os.environ.update(stack.environment | quiet)
            _worlds.append(World(stack, _deployed(folder) if IS_DEPLOYED_FORM else None))
            yield _worlds[0]
            _worlds.clear()
            authorizer_lookup.hang_up()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module", autouse=True)
def _events_end_with_their_module() -> Iterator[None]:
    yield
    for world in _worlds:
        world.forget_events()


@pytest.fixture
def acme(world: World) -> Member:
    return world.organization("Acme")


@pytest.fixture
def globex(world: World) -> Member:
    return world.organization("Globex")


@pytest.fixture
def stranger(world: World) -> Client:
    return Client(world)


@pytest.fixture
def pump(world: World) -> Callable[[], int]:
    return world.pump


@pytest.fixture
def invoke(world: World) -> Callable[[str, Any], Any]:
    return world.invoke


@pytest.fixture
def mails(world: World) -> Callable[[], list[dict[str, Any]]]:
    return world.mails
