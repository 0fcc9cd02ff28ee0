"""What tests of single sign-on begin with."""

from __future__ import annotations

import pytest

from tests.harness import World
from tests.saml.sso_scenarios import SsoOrganization, with_sso


@pytest.fixture
def house(world: World) -> SsoOrganization:
    return with_sso(world)
