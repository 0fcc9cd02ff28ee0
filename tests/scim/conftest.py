from __future__ import annotations

import pytest

from tests.harness import Member
from tests.platform.routes_scim import switched_on


@pytest.fixture
def directory(acme: Member) -> Member:
    """What an identity provider presents: a token of an administrator, in an organization that is provisioned."""
    return switched_on(acme).as_role("ADMIN")
