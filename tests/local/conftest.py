"""One small bundle of its own, really running: the stack is tested apart from the product."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.client import Client
from local.stack import Stack
from local.template import Template, load

BUNDLE = Path(__file__).parent / "bundle" / "template.yaml"


@pytest.fixture(scope="session")
def template() -> Template:
    return load(BUNDLE)


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in which the bundle's worker notes what it was given."""
    return tmp_path_factory.mktemp("seen") / "lines"


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder through which PostgreSQL's account can walk: pytest shuts its own whenever another run begins."""
    folder = Path(tempfile.mkdtemp(prefix="parley-local-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def stack(seen: Path) -> Iterator[Stack]:
    with open_folder() as folder, Stack(folder, BUNDLE, port=0, durable=False, settings={"SEEN": str(seen)}) as stack:
        stack.serve(4, retry_seconds=0)
        yield stack


@pytest.fixture
def client(stack: Stack) -> Client:
    return Client(stack.url)
