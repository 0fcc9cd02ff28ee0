"""What tests of single sign-on begin with."""

from __future__ import annotations

import pytest

from tests.harness import World
from tests.saml.scenes import House, with_sso


@pytest.fixture
def house(world: World) -> House:
    return with_sso(world)
