from __future__ import annotations

import pytest

from tests.harness import Member
from tests.scim.scim_client import ScimClient


def provisioned(organization: Member) -> ScimClient:
    made = organization.post("/v1/scim/token")
    assert made.status == 201, made.raw
    return ScimClient(organization.world, made.body["token"], organization)


@pytest.fixture
def directory(acme: Member) -> ScimClient:
    """What an identity provider is, once it has the token."""
    return provisioned(acme)


@pytest.fixture
def other(globex: Member) -> ScimClient:
    return provisioned(globex)
